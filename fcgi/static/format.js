// Numbers and moments as people read them, in the language of the page.

import { currentLanguage } from "./i18n.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const locale = () => (currentLanguage() === "zh" ? "zh-CN" : undefined);
const isNothing = (value) => value === null || value === undefined || value === "";

/** A number of bytes in units of 1024. */
export function bytes(count) {
  let value = Number(count ?? 0);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Seconds as h:mm:ss; "–" when unknown. */
export function duration(seconds) {
  if (isNothing(seconds)) {
    return "–";
  }
  const whole = Math.max(0, Math.round(seconds));
  const tail = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return [Math.floor(whole / 3600), ...tail].join(":");
}

/** US dollars; "–" when unknown. Small amounts keep four digits. */
export function money(usd) {
  if (isNothing(usd)) {
    return "–";
  }
  const digits = usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2;
  return new Intl.NumberFormat(locale(), {
    style: "currency", currency: "USD", minimumFractionDigits: digits,
    maximumFractionDigits: digits, currencyDisplay: "narrowSymbol",
  }).format(usd);
}

/** A number with separators. */
export const count = (value) => new Intl.NumberFormat(locale()).format(value ?? 0);

/** An ISO moment as local date and time; "–" when unknown. */
export function moment(value) {
  const date = new Date(value ?? "");
  return Number.isNaN(date.getTime()) ? "–"
    : date.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

/** How long ago a moment is, in words: "5 minutes ago". */
export function ago(value) {
  const date = new Date(value ?? "");
  if (Number.isNaN(date.getTime())) {
    return "–";
  }
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  const past = (date.getTime() - Date.now()) / 1000;
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(past) >= size) {
      return words.format(Math.trunc(past / size), unit);
    }
  }
  return words.format(Math.trunc(past), "second");
}
