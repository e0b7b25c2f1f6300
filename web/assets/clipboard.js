// Copies text, also where the page is served over plain HTTP from another
// machine and the browser withholds its clipboard interface.

/// Resolves to whether it worked.
export async function copyText(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => copyBySelection(text),
    );
  }
  return copyBySelection(text);
}

function copyBySelection(text) {
  const holder = document.createElement("textarea");
  holder.value = text;
  holder.className = "offscreen";
  document.body.append(holder);
  holder.select();
  const copied = document.execCommand("copy");
  holder.remove();
  return copied;
}
