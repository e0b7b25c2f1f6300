// Turns values into words a person reads: counts, sizes, times, money, paths. Pure,
// but for the language in force.
import { locale, t } from "./i18n.js";

export function count(value) {
  return new Intl.NumberFormat(locale()).format(value ?? 0);
}

export function decimal(value, digits = 1) {
  return new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value ?? 0;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${decimal(size, unit > 0 && size < 10 ? 1 : 0)} ${units[unit]}`;
}

/// Deliberately coarse: an estimate should not look like a measurement.
export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return t("time.unknown");
  if (seconds < 45) return t("time.seconds");
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t("time.minutes", { n: Math.max(1, minutes) });
  const rounded = Math.round(minutes / 5) * 5;
  return t("time.hours", { n: Math.floor(rounded / 60), minutes: rounded % 60 });
}

/// The hour for today, the day otherwise.
export function when(timestamp, now = new Date()) {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return "";
  if (date.toDateString() === now.toDateString()) {
    return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(date);
  }
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", year }).format(date);
}

/// A calendar day such as 2026-03-05, which is the same everywhere.
export function day(date) {
  const format = new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return format.format(new Date(`${date}T00:00:00Z`));
}

/// A number with its currency (an ISO 4217 code) or other unit.
export function money(number, unit) {
  const digits = Number.isInteger(number) ? { minimumFractionDigits: 0 } : { minimumFractionDigits: 2, maximumFractionDigits: 4 };
  const written = (options) => new Intl.NumberFormat(locale(), { useGrouping: true, ...digits, ...options }).format(number);
  if (!unit) return written({});
  return /^[A-Z]{3}$/.test(unit) ? written({ style: "currency", currency: unit, currencyDisplay: "narrowSymbol" }) : `${written({})} ${unit}`;
}

export function fileName(path) {
  return path.split(/[\\/]/).filter(Boolean).pop() ?? path;
}

/// The path inside its folder, with the folder's own name in front.
export function shortPath(path, folders = []) {
  const roots = folders.map((folder) => folder.path.replace(/[\\/]+$/, ""));
  const root = roots.find((candidate) => path.startsWith(`${candidate}/`) || path.startsWith(`${candidate}\\`));
  return root ? fileName(root) + path.slice(root.length) : path;
}

export function titleOf(source) {
  return source.title || fileName(source.path);
}

export function headingPath(heading) {
  return Array.isArray(heading) ? heading.join(" › ") : heading || "";
}
