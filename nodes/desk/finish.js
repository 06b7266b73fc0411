// The end of a run for who looks elsewhere: the title of the page, and a sound for who wants one.

const NAME = document.title;
const NOTES = { true: [660, 880], false: [330, 247] }; // Hz
const at = (id) => document.getElementById(id);
let sound = null;

/** How far a run is, in the page's title; null takes it away. */
export function titleShare(share) {
  document.title = share ? `${Math.round(100 * share)}% · ${NAME}` : NAME;
}

/** Say in the title, and with a sound where it is switched on, how a run ended. It stays until the page is used again. */
export function tellEnd(what, good) {
  document.title = `${good ? "✓" : "✗"} ${what} ${good ? "done" : "failed"} · ${NAME}`;
  if (at("sound").checked) play(NOTES[good]);
}

for (const kind of ["pointerdown", "keydown", "focus"]) addEventListener(kind, () => /^[✓✗]/.test(document.title) && titleShare(null));

// Browsers let a page sound only after a click on it: this one.
at("sound").addEventListener("change", () => at("sound").checked && play(NOTES.true));

function play(notes) {
  sound ??= new AudioContext();
  sound.resume();
  notes.forEach((frequency, number) => {
    const [tone, volume] = [new OscillatorNode(sound, { frequency }), new GainNode(sound, { gain: 0 })];
    const start = sound.currentTime + 0.18 * number;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.15, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.35);
    tone.connect(volume).connect(sound.destination);
    tone.start(start);
    tone.stop(start + 0.4);
  });
}
