// The page's few line icons, drawn as SVG nodes so that they take the colour
// of the text around them and need no request. All are 20 units square.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  menu: ["M3.5 6h13", "M3.5 10h13", "M3.5 14h8"],
  plus: ["M10 4.5v11", "M4.5 10h11"],
  close: ["M5.5 5.5l9 9", "M14.5 5.5l-9 9"],
  trash: ["M4.5 6h11", "M8 6V4.2h4V6", "M6 6l.7 9.8h6.6L14 6"],
  send: ["M10 15.5v-11", "M5.5 9L10 4.5 14.5 9"],
  stop: ["M6.5 6.5h7v7h-7z"],
  copy: ["M7.5 7.5h8v8h-8z", "M12.5 7.5v-3h-8v8h3"],
  check: ["M4.5 10.5l3.5 3.5 7.5-8"],
  sun: ["M10 13.2a3.2 3.2 0 100-6.4 3.2 3.2 0 000 6.4z", "M10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M15.3 4.7l-1.1 1.1M5.8 14.2l-1.1 1.1"],
  moon: ["M16 11.9A6.5 6.5 0 018.1 4 6.5 6.5 0 1016 11.9z"],
  back: ["M12 5l-5 5 5 5"],
  open: ["M8 4.5H4.5v11h11V12", "M11.5 4.5h4v4", "M15.5 4.5L9.5 10.5"],
  sources: ["M4 4.5h5a1 1 0 011 1v10a1 1 0 00-1-1H4z", "M16 4.5h-5a1 1 0 00-1 1v10a1 1 0 011-1h5z"],
  edit: ["M12.5 4.8l2.7 2.7L7 15.7l-3.4.7.7-3.4z"],
  thumb: ["M7 9.2v7H4.3v-7z", "M7 9.4l2.9-5.6c1.1 0 1.9.8 1.9 1.9v2.7h3.1a1.4 1.4 0 011.4 1.7l-1 4.9a1.5 1.5 0 01-1.5 1.2H7"],
  absent: ["M10 17a7 7 0 100-14 7 7 0 000 14z", "M6.8 10h6.4"],
};

export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(attributes)) drawing.setAttribute(key, value);
  for (const line of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", line);
    drawing.append(path);
  }
  return drawing;
}
