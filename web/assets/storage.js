// The browser's two small stores, made safe to use where storage is refused:
// localStorage for preferences, sessionStorage for the access token. A value
// that cannot be kept is simply not kept.

export function remember(key, value) {
  keep(() => localStorage, key, value);
}

export function rememberForSession(key, value) {
  keep(() => sessionStorage, key, value);
}

export function recall(key) {
  return kept(() => localStorage, key);
}

export function recallForSession(key) {
  return kept(() => sessionStorage, key);
}

function keep(store, key, value) {
  try {
    if (value === null) store().removeItem(key);
    else store().setItem(key, value);
  } catch {
    // A private window may refuse storage; the page works without it.
  }
}

function kept(store, key) {
  try {
    return store().getItem(key);
  } catch {
    return null;
  }
}
