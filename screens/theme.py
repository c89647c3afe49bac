"""The wizard's own look: one calm theme, one of strong contrast."""

from __future__ import annotations

from textual.theme import Theme

CALM = Theme(
    name="wizard",
    primary="#7aa2c8",
    secondary="#8fb8a8",
    accent="#8ab4e0",
    warning="#e0b060",
    error="#e07070",
    success="#8cc08c",
    foreground="#d4d9e0",
    background="#14181d",
    surface="#1a2027",
    panel="#232b34",
    dark=True,
    variables={
        "footer-key-foreground": "#8ab4e0",
        "footer-background": "#1a2027",
        "border": "#8ab4e0",
        "border-blurred": "#3a4552",
        "block-cursor-background": "#2f4d6b",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#27313c",
        "block-cursor-blurred-foreground": "#d4d9e0",
        "input-cursor-background": "#d4d9e0",
        "input-cursor-foreground": "#14181d",
    },
)
CONTRAST = Theme(
    name="wizard-contrast",
    primary="#ffffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffb000",
    error="#ff6060",
    success="#60ff60",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    dark=True,
    text_alpha=1.0,
    variables={
        "text-muted": "#ffffff",
        "foreground-muted": "#ffffff",
        "text-disabled": "#c0c0c0",
        "footer-key-foreground": "#ffff00",
        "footer-background": "#000000",
        "footer-description-foreground": "#ffffff",
        "border": "#ffff00",
        "border-blurred": "#ffffff",
        "block-cursor-background": "#0040a0",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#404040",
        "block-cursor-blurred-foreground": "#ffffff",
        "input-cursor-background": "#ffff00",
        "input-cursor-foreground": "#000000",
    },
)
OURS = (CALM, CONTRAST)
