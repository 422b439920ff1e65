"""The static parts of the HTML report: its style sheet and the script of the slider."""

STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #888; --bad: #d33; --good: #2a2; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
section { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1.2rem 0; }
.quiet { color: var(--quiet); font-size: .9em; overflow-wrap: anywhere; }
.state { float: right; padding: 0 .6em; border-radius: 1em; color: #fff;
    background: var(--bad); font-size: .85em; }
.state.new, .state.changed { background: #b70; }
pre { background: var(--soft); padding: .6rem .8rem; overflow: auto; border-radius: 6px; font-size: 13px; }
.message { white-space: pre-wrap; overflow-wrap: anywhere; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; } figcaption { color: var(--quiet); font-size: .85em; }
img { display: block; max-width: 100%; image-rendering: pixelated; background: #000; }
.slider { position: relative; width: fit-content; max-width: 100%; --at: 50%; }
.slider .over { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.slider::after { content: ''; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px;
    margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
.slider input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0;
    opacity: 0; cursor: ew-resize; }
.slider:focus-within { outline: 2px solid #48f; }
.diff div { white-space: pre; min-height: 1.2em; } .diff { line-height: 1.35; }
.gone { background: #d333; } .added { background: #2a23; } .fold { color: var(--quiet); }
"""

SCRIPT = """
for (const slider of document.querySelectorAll('.slider')) {
    const input = slider.querySelector('input');
    const show = () => slider.style.setProperty('--at', input.value + '%');
    input.addEventListener('input', show);
    show();
}
"""
