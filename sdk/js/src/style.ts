/** The look of banner and preferences. A page changes it by custom properties named --thimble-*. */
export const css = `
:host{all:initial;
--ink:var(--thimble-ink,#1b1c1f);--soft:var(--thimble-soft,#4d5058);--paper:var(--thimble-paper,#fff);--line:var(--thimble-line,#767a84);--focus:var(--thimble-focus,#0b57d0);--on:var(--thimble-on,#eef1f6);
color-scheme:light dark;font:1rem/1.5 var(--thimble-font,system-ui,sans-serif)}
@media(prefers-color-scheme:dark){:host{--ink:var(--thimble-ink-dark,#f3f3f5);--soft:var(--thimble-soft-dark,#c3c6cf);--paper:var(--thimble-paper-dark,#1e1f23);--line:var(--thimble-line-dark,#8d919c);--focus:var(--thimble-focus-dark,#a8c7fa);--on:var(--thimble-on-dark,#2d2f36)}}
*{box-sizing:border-box}
section,dialog{color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem 1.25rem .5rem;overflow:auto;overscroll-behavior:contain}
section{position:fixed;z-index:2147483647;inset-block-end:1rem;inset-inline:1rem;max-inline-size:44rem;max-block-size:calc(100dvh - 2rem);margin-inline:auto;box-shadow:0 .25rem 2rem #0004}
dialog{inline-size:min(44rem,100vw - 2rem);max-inline-size:none;max-block-size:calc(100dvh - 2rem)}
dialog::backdrop{background:#0008}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 .5rem}
h2:focus{outline:none}
h3,legend{font-size:1rem;font-weight:650;margin:0;padding:0}
p{margin:0 0 .75rem;max-inline-size:65ch}
ul{margin:0 0 .75rem;padding-inline-start:1.25rem}
.s{color:var(--soft);font-size:.9375rem}
.b{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.75rem;margin-block:1rem .25rem}
button{font:inherit;color:inherit;background:none;cursor:pointer;min-block-size:2.75rem;padding:.375rem .75rem;border:1px solid transparent;border-radius:.5rem}
.b button{font-weight:600;border-color:var(--line);background:var(--on)}
.b button:hover{border-color:var(--ink)}
.l,a{color:inherit;text-decoration:underline;text-underline-offset:.2em}
.f{display:flex;flex-wrap:wrap;align-items:center;gap:0 1.25rem}
.f .l{padding-inline:0}
fieldset{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:0 0 1rem;min-inline-size:0}
legend{padding-inline:.25rem}
label{display:inline-flex;align-items:center;gap:.5rem;min-block-size:2.75rem;margin-inline-end:1.5rem;cursor:pointer}
input{inline-size:1.25rem;block-size:1.25rem;margin:0;accent-color:var(--focus)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
@media(forced-colors:active){section,dialog,.b button{border-color:CanvasText}}
@media(max-width:34rem){.b{grid-template-columns:minmax(0,1fr);gap:.5rem}section{inset-inline:0;inset-block-end:0;border-radius:.75rem .75rem 0 0;max-block-size:100dvh}}
`;
