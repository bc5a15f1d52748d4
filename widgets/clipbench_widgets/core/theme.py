"""The look that all apps share: explicit colours for light and dark pages.

Each app has the CSS class ``clipbench-app`` and holds one ``style_sheet()``. Both foreground and
background are set. Core widgets inside it take their colours from JupyterLab's own variables, which
are set here for the app alone.
"""

import ipywidgets

from clipbench_widgets.core.page_scripts import running
from clipbench_widgets.core.style_files import sheet

# Contrast is at least 7:1 for text and 3:1 for bars, dots and frames, on what lies behind them
# (tested). Blue and orange stay apart for all kinds of colour vision (Okabe and Ito 2008).
LIGHT = {
    "page": "#ffffff", "card": "#f3f5f8", "text": "#1a1f26", "quiet": "#4a5462", "line": "#c9d0d9",
    "frame": "#7a8594", "accent": "#0b5c9c", "on": "#dcebf8", "bar": "#0072b2",
    "bar-rest": "#4384b1", "track": "#e6eaef", "band": "#c3cad4", "warning": "#7f3600",
    "warning-card": "#fff1e5", "second": "#c85400",
}  # fmt: skip
DARK = {
    "page": "#1b1f25", "card": "#272c34", "text": "#f2f4f7", "quiet": "#c0c8d2", "line": "#434b57",
    "frame": "#8a95a5", "accent": "#8cc8f2", "on": "#1d3a54", "bar": "#62b6ec",
    "bar-rest": "#4a8dbf", "track": "#2f3640", "band": "#505a68", "warning": "#ffc08a",
    "warning-card": "#3d2a18", "second": "#ff9d4d",
}  # fmt: skip

RULES = sheet("core/theme.css")


def style_sheet(*rules: str) -> ipywidgets.HTML:
    """Make an invisible widget with the shared rules and those of one app.

    It also runs the script that names controls for screen readers.
    """
    light, dark = (
        "".join(f"--cb-{name}: {colour};" for name, colour in c.items()) for c in (LIGHT, DARK)
    )
    themes = (
        f".clipbench-app {{ {light} color-scheme: light }}\n"
        # JupyterLab and Notebook 7 say so on the body, Colab on the document
        f'[data-jp-theme-light="false"] .clipbench-app, html[theme="dark"] .clipbench-app'
        f" {{ {dark} color-scheme: dark }}\n"
    )
    styles = f"<style>{themes}{RULES}{''.join(rules)}</style>"
    return ipywidgets.HTML(styles + running("names.js")).add_class("clipbench-style")
