"""The look that all apps share: colours with explicit foreground and background, for light and dark pages.

Each app has the CSS class ``clipbench-app`` and holds one ``style_sheet()``. Core widgets inside it take
their colours from JupyterLab's own variables, which are set here for the app alone.
"""

import ipywidgets

# Contrast is at least 7:1 for text and 3:1 for bars, dots and frames, on what lies behind them (tested).
# Blue and orange stay apart for all kinds of colour vision (Okabe and Ito 2008).
LIGHT = {
    "page": "#ffffff", "card": "#f3f5f8", "text": "#1a1f26", "quiet": "#4a5462", "line": "#c9d0d9",
    "frame": "#7a8594", "accent": "#0b5c9c", "on": "#dcebf8", "bar": "#0072b2", "bar-rest": "#4384b1",
    "track": "#e6eaef", "band": "#c3cad4", "warning": "#7f3600", "warning-card": "#fff1e5", "second": "#c85400",
}  # fmt: skip
DARK = {
    "page": "#1b1f25", "card": "#272c34", "text": "#f2f4f7", "quiet": "#c0c8d2", "line": "#434b57",
    "frame": "#8a95a5", "accent": "#8cc8f2", "on": "#1d3a54", "bar": "#62b6ec", "bar-rest": "#4a8dbf",
    "track": "#2f3640", "band": "#505a68", "warning": "#ffc08a", "warning-card": "#3d2a18", "second": "#ff9d4d",
}  # fmt: skip

RULES = """
.clipbench-app {
  background: var(--cb-page); color: var(--cb-text); border: 1px solid var(--cb-line); border-radius: 10px;
  padding: 14px 16px 16px; box-sizing: border-box; max-width: 1240px;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, Arial, "Noto Sans", sans-serif;
  --jp-widgets-color: var(--cb-text); --jp-widgets-label-color: var(--cb-text);
  --jp-widgets-readout-color: var(--cb-text); --jp-widgets-input-color: var(--cb-text);
  --jp-widgets-input-background-color: var(--cb-page); --jp-widgets-input-border-color: var(--cb-frame);
  --jp-widgets-input-focus-border-color: var(--cb-accent); --jp-widgets-font-size: 14px;
  --jp-ui-font-color0: var(--cb-text); --jp-ui-font-color1: var(--cb-text);
  --jp-ui-font-color2: var(--cb-quiet);
  --jp-layout-color0: var(--cb-page); --jp-layout-color1: var(--cb-page); --jp-layout-color2: var(--cb-card);
  --jp-layout-color3: var(--cb-frame); --jp-border-color1: var(--cb-frame);
  --jp-brand-color1: var(--cb-accent); --jp-brand-color2: var(--cb-accent); }
.clipbench-app.widget-box, .clipbench-app .widget-box { overflow: visible; }
.clipbench-app .widget-box, .clipbench-app .widget-html { margin: 0; }
.clipbench-app .clipbench-style { display: none; }
.clipbench-app .widget-html { height: auto; }
.clipbench-app .widget-html-content { font: inherit; line-height: 1.45; color: var(--cb-text); }
.clipbench-app .widget-html-content p { margin: 0; }
.clipbench-app .widget-html-content strong { font-weight: 700; }
.clipbench-app .widget-label { color: var(--cb-text); font-weight: 600; }
.clipbench-quiet { color: var(--cb-quiet); }
.clipbench-small { font-size: 13px; color: var(--cb-quiet); min-height: 19px; overflow-wrap: anywhere; }
.clipbench-heading { font-weight: 600; line-height: 28px; }

.clipbench-app .jupyter-button {
  height: 32px; line-height: 30px; width: auto; margin: 0; padding: 0 12px; font-family: inherit; font-size: 14px;
  color: var(--cb-text); background-color: var(--cb-card); border: 1px solid var(--cb-frame);
  border-radius: 6px; box-shadow: none; }
.clipbench-app .jupyter-button:hover { border-color: var(--cb-accent); box-shadow: none; }
.clipbench-app .jupyter-button.mod-active {
  color: var(--cb-text); background-color: var(--cb-on); border-color: var(--cb-accent); font-weight: 600; }
.clipbench-app .jupyter-button.clipbench-chip { border-radius: 16px; }
.clipbench-app .jupyter-button:focus:not(:focus-visible) { outline: none; }
.clipbench-app button:focus-visible, .clipbench-app textarea:focus-visible {
  outline: 3px solid var(--cb-accent) !important; outline-offset: 2px; }
.clipbench-app .widget-dropdown select {
  height: 32px; font-family: inherit; font-size: 14px; color: var(--cb-text); background: var(--cb-card) none;
  border: 1px solid var(--cb-frame); border-radius: 6px; padding-left: 8px; appearance: auto; }
.clipbench-app select:focus-visible { outline: 3px solid var(--cb-accent) !important; outline-offset: 1px; }
.clipbench-app textarea {
  font-family: inherit; font-size: 15px; line-height: 1.5; color: var(--cb-text); background: var(--cb-page);
  border: 1px solid var(--cb-frame); border-radius: 6px; padding: 6px 10px; width: 100%; resize: vertical; }
.clipbench-app textarea::placeholder { color: var(--cb-quiet); }
.clipbench-app .noUi-target, .clipbench-app .ui-slider {
  background: var(--cb-frame); border-color: var(--cb-frame); }
.clipbench-app .noUi-connect { background: var(--cb-accent); }
.clipbench-app .noUi-handle, .clipbench-app .ui-slider .ui-slider-handle {
  background: var(--cb-accent) !important; border-color: var(--cb-accent); }

/* a control with its label above it */
.clipbench-app .clipbench-above {
  display: flex; flex-direction: column; align-items: stretch; width: 100%; height: auto; margin: 0; }
.clipbench-app .clipbench-above > .widget-label { width: auto; text-align: left; }
.clipbench-app .clipbench-row { display: flex; flex-flow: row wrap; align-items: center; gap: 6px 8px; }
.clipbench-row > * { flex: 0 0 auto; }
.clipbench-app .clipbench-row > .widget-toggle-buttons { flex: 0 1 auto; width: auto; min-width: 0; }
.clipbench-app .widget-toggle-buttons > div:not(.widget-label) { display: flex; flex-wrap: wrap; row-gap: 4px; }

.clipbench-app .clipbench-progress { width: 220px; height: 24px; margin: 0; }
.clipbench-app .clipbench-progress .progress { background: var(--cb-track); height: 12px; margin-top: 6px; }
.clipbench-app .clipbench-progress .progress-bar { background: var(--cb-accent); }

.clipbench-app .clipbench-thumbnails {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 8px; }
.clipbench-app .jupyter-button.clipbench-thumbnail {
  display: flex; justify-content: center; align-items: flex-start; width: auto; height: 118px;
  padding: 81px 2px 0;
  font-size: 13px; line-height: 16px; white-space: normal; overflow: hidden; overflow-wrap: anywhere;
  text-overflow: clip; background-color: var(--cb-card); background-repeat: no-repeat;
  background-position: 50% 5px; background-size: 72px 72px; border: 2px solid transparent;
  border-radius: 8px; }
.clipbench-app .jupyter-button.clipbench-thumbnail:hover { border-color: var(--cb-frame); }
.clipbench-app .jupyter-button.clipbench-chosen,
.clipbench-app .jupyter-button.clipbench-chosen:hover {
  border-color: var(--cb-accent); background-color: var(--cb-on); font-weight: 700; }

/* the button's own text ends in a count of files that is always (0) */
.clipbench-app .clipbench-upload { font-size: 0; }
.clipbench-app .clipbench-upload i { font-size: 14px; margin-right: 6px; }
.clipbench-app .clipbench-upload::after { content: "Upload a picture"; font-size: 14px; }
.clipbench-app .clipbench-upload::after { content: "Upload a picture" / ""; }

.clipbench-message {
  color: var(--cb-warning); background: var(--cb-warning-card); border-left: 4px solid var(--cb-warning);
  border-radius: 4px; padding: 5px 10px; overflow-wrap: anywhere; }
"""


def style_sheet(*rules: str) -> ipywidgets.HTML:
    """An invisible widget with the shared rules and those of one app."""
    light, dark = ("".join(f"--cb-{name}: {colour};" for name, colour in c.items()) for c in (LIGHT, DARK))
    themes = (
        f".clipbench-app {{ {light} color-scheme: light }}\n"
        # JupyterLab and Notebook 7 say so on the body, Colab on the document
        f'[data-jp-theme-light="false"] .clipbench-app, html[theme="dark"] .clipbench-app'
        f" {{ {dark} color-scheme: dark }}\n"
    )
    return ipywidgets.HTML(f"<style>{themes}{RULES}{''.join(rules)}</style>").add_class("clipbench-style")
