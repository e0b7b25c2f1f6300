// Every request the page makes, and the access token they carry. Callers get
// plain values or a RequestError; nothing here touches the page.
import { readEvents } from "./event-stream.js";
import { recallForSession, rememberForSession } from "./storage.js";

const TOKEN_KEY = "vade.token";
const TOKEN_IN_HASH = /(?:^#|[/?&#])token=([^&]+)&?/;

/// `code` is the server's, or "unreachable" when no answer came at all.
export class RequestError extends Error {
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }

  get unreachable() {
    return this.code === "unreachable";
  }
}

export const getStatus = () => request("GET", "/api/status");
export const getModels = () => request("GET", "/api/models");
export const getDocuments = (filter) => request("GET", `/api/documents?${query(filter)}`);
export const why = (path) => request("GET", `/api/why?${query({ path })}`);
export const getText = (id, span) => request("GET", `/api/documents/${encodeURIComponent(id)}/text?${query(span)}`);
export const search = (body, signal) => request("POST", "/api/search", body, signal);
export const getConversations = () => request("GET", "/api/conversations");
export const getConversation = (id) => request("GET", `/api/conversations/${encodeURIComponent(id)}`);
export const deleteConversation = (id) => request("DELETE", `/api/conversations/${encodeURIComponent(id)}`);
export const deleteAllConversations = () => request("DELETE", "/api/conversations");
export const rate = (body) => request("POST", "/api/ratings", body);
export const addFolder = (path) => request("POST", "/api/folders", { path });
export const removeFolder = (path) => request("DELETE", "/api/folders", { path });

/// Asks, and calls `handlers[event](data)` for each event until the stream
/// ends. Rejects with the signal's AbortError when it is stopped.
export async function ask(body, handlers, signal) {
  const response = await send("POST", "/api/ask", body, signal, "text/event-stream");
  let finished = false;
  for await (const { event, data } of readEvents(response.body)) {
    if (event === "error") throw errorFrom(data, response.status);
    finished ||= event === "done";
    handlers[event]?.(data);
  }
  if (!finished) throw new RequestError("interrupted", "");
}

/// The address of the file itself; a link cannot carry the token in a header.
export function sourceAddress(id, page) {
  const token = recallForSession(TOKEN_KEY);
  const access = token ? `?token=${encodeURIComponent(token)}` : "";
  const fragment = page ? `#page=${page}` : "";
  return `/api/documents/${encodeURIComponent(id)}/source${access}${fragment}`;
}

/// Moves a token from the address bar into the session.
export function adoptToken() {
  const match = TOKEN_IN_HASH.exec(location.hash);
  if (!match) return;
  rememberForSession(TOKEN_KEY, decodeURIComponent(match[1]));
  const rest = location.hash.replace(TOKEN_IN_HASH, "").replace(/^#/, "").replace(/[?&]$/, "");
  history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
}

async function request(method, path, body, signal) {
  const response = await send(method, path, body, signal, "application/json");
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

async function send(method, path, body, signal, accept) {
  const headers = { Accept: accept };
  const token = recallForSession(TOKEN_KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body) };
  const response = await fetch(path, options).catch((error) => {
    throw error.name === "AbortError" ? error : new RequestError("unreachable", error.message);
  });
  if (!response.ok) throw errorFrom(await response.json().catch(() => null), response.status);
  return response;
}

function errorFrom(body, status) {
  const { code = "unknown", message = "" } = body?.error ?? {};
  return new RequestError(code, message || `HTTP ${status}`, status);
}

function query(parameters) {
  const present = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return new URLSearchParams(present).toString();
}
