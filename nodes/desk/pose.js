// Moving the points of a pose, drawn as its map draws it.

import { choice, element } from "./elements.js";
import { openEditor, pointOn, stepped, Steps, tool } from "./editor.js";

const BODY = "pose_keypoints_2d";
const HANDS = ["hand_left_keypoints_2d", "hand_right_keypoints_2d"];
const FACE = "face_keypoints_2d";
const FOLLOW = { 0: FACE, 4: HANDS[1], 7: HANDS[0] }; // what hangs on nose, right and left wrist
const REACH = 16; // pixels of the screen within which a point is taken hold of
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const rgb = (values, share = 1) => `rgb(${values.map((one) => Math.round(one * share)).join(" ")})`;

/** Let a person move the points of poses. text: JSON of POSE_KEYPOINT frames; figure: the server's pose_figure. Resolves to JSON text or null. */
export async function moved({ title, text, figure, under }) {
  const first = JSON.parse(text);
  const steps = new Steps();
  let frames = first;
  let [frame, held, chosen] = [0, null, null];
  const found = first.some(({ people }) => people.some((person) => [BODY, ...HANDS].some((part) => triples(person[part]).some(([, , score]) => score > 0))));
  if (!found) throw new Error(`${title}: nobody was found in it, so it has no points to move. Draw on it.`);
  const { canvas_width: wide, canvas_height: high } = first[0];
  const canvas = element("canvas", { tabIndex: 0, ariaLabel: `${title}. Choose a point above; arrow keys move it, Delete takes it away.` });
  canvas.setAttribute("role", "img");
  const sheet = element("div", { className: "sheet" }, under ? element("img", { src: under, alt: "" }) : null, canvas);
  sheet.classList.toggle("over", Boolean(under));
  const follow = element("input", { type: "checkbox", checked: true });
  const which = choice([], "");
  const clip = choice(first.map((_, number) => [number, `${number + 1} of ${first.length}`]), 0);
  clip.onchange = () => {
    frame = Number(clip.value);
    stepped(canvas);
  };

  /** Every point that was found: {person, part, index, x, y, name}. */
  const points = () =>
    frames[frame].people.flatMap((one, person) =>
      [BODY, ...HANDS].flatMap((part) =>
        triples(one[part]).flatMap(([x, y, score], index) => (score > 0 ? [{ person, part, index, x, y, name: nameOf(figure, part, index), key: `${person} ${part} ${index}` }] : [])),
      ),
    );
  const offer = () => {
    const all = points();
    const several = frames[frame].people.length > 1;
    const groups = [BODY, ...HANDS].map((part) => ({ group: { [BODY]: "Body", [HANDS[0]]: "Left hand", [HANDS[1]]: "Right hand" }[part], options: all.filter((one) => one.part === part).map((one) => [one.key, several ? `${one.name}, person ${one.person + 1}` : one.name]) }));
    const wanted = chosen?.key;
    which.replaceChildren(...choice(groups.filter((one) => one.options.length), "").children);
    chosen = all.find((one) => one.key === wanted) ?? all[0] ?? null;
    which.value = chosen?.key ?? "";
  };
  which.onchange = () => {
    chosen = points().find((one) => one.key === which.value);
    paint();
  };

  /** The frames with a point at another place, and what hangs on it; score 0 takes the point away. */
  const change = (point, x, y, score) => {
    const next = structuredClone(frames);
    const person = next[frame].people[point.person];
    const [dx, dy] = [x - person[point.part][3 * point.index], y - person[point.part][3 * point.index + 1]];
    person[point.part].splice(3 * point.index, 2, x, y);
    if (score === 0) person[point.part][3 * point.index + 2] = 0;
    const hanging = point.part === BODY && follow.checked && score !== 0 ? person[FOLLOW[point.index]] : null;
    for (let number = 0; number < (hanging?.length ?? 0); number += 3) {
      hanging[number] += dx;
      hanging[number + 1] += dy;
    }
    return next;
  };
  const done = () => {
    steps.add(frames);
    stepped(canvas);
  };

  let scale = 1;
  const paint = () => {
    const room = sheet.parentElement.getBoundingClientRect();
    const shown = Math.min(room.width / wide, room.height / high) * 0.96;
    scale = Math.min(shown * devicePixelRatio, 4096 / Math.max(wide, high));
    Object.assign(sheet.style, { width: `${wide * shown}px`, height: `${high * shown}px` });
    Object.assign(canvas, { width: Math.round(wide * scale), height: Math.round(high * scale) });
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.fillRect(0, 0, wide, high);
    for (const person of frames[frame].people) drawPerson(context, figure, person);
    if (!chosen) return;
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 2 / shown });
    context.beginPath();
    context.arc(chosen.x, chosen.y, 9 / shown, 0, 7);
    context.stroke();
  };

  const placeOf = (event) => pointOn(canvas, event).map((one) => one / scale);
  canvas.onpointerdown = (event) => {
    const [x, y] = placeOf(event);
    const far = (one) => Math.hypot(one.x - x, one.y - y);
    const nearest = points().sort((one, other) => far(one) - far(other))[0];
    if (!nearest || far(nearest) > (REACH * wide) / sheet.clientWidth) return;
    canvas.setPointerCapture(event.pointerId);
    [held, chosen] = [{ before: frames, point: nearest }, nearest];
    which.value = chosen.key;
    paint();
  };
  canvas.onpointermove = (event) => {
    if (!held) return;
    const [x, y] = placeOf(event);
    frames = held.before;
    frames = change(held.point, x, y);
    chosen = { ...held.point, x, y };
    requestAnimationFrame(paint);
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (held && held.before !== frames) done();
    held = null;
  };
  canvas.onkeydown = (event) => {
    if (event.key === "Escape" && held) {
      event.preventDefault(); // it takes back what is being done, and the window stays
      held = null;
      return render();
    }
    const way = KEYS[event.key];
    const away = event.key === "Delete" || event.key === "Backspace";
    if (!chosen || !(way || away)) return;
    event.preventDefault();
    const far = event.shiftKey ? 16 : 2;
    frames = away ? change(chosen, chosen.x, chosen.y, 0) : change(chosen, chosen.x + way[0] * far, chosen.y + way[1] * far);
    done();
  };

  const render = () => {
    frames = steps.done.at(-1) ?? first;
    offer();
    paint();
  };
  return openEditor({
    title,
    tools: [tool("Point", which), ...(first.length > 1 ? [tool("Frame", clip)] : []), tool("Hands and face follow", follow)],
    stage: sheet,
    hint: "Drag a point. Delete takes it away.",
    steps,
    render,
    result: () => JSON.stringify(frames),
  });
}

const triples = (values = []) => Array.from({ length: Math.floor(values.length / 3) }, (_, number) => values.slice(3 * number, 3 * number + 3));
const nameOf = (figure, part, index) => (part === BODY ? figure.names[index] : `${index ? `finger ${Math.ceil(index / 4)}, joint ${((index - 1) % 4) + 1}` : "wrist"}, ${part === HANDS[0] ? "left" : "right"} hand`);

function drawPerson(context, figure, person) {
  const body = triples(person[BODY]);
  figure.limbs.forEach(([from, to], number) => {
    const [one, other] = [body[from], body[to]];
    if (!(one?.[2] > 0 && other?.[2] > 0)) return;
    context.fillStyle = rgb(figure.colours[number], figure.dim);
    context.beginPath();
    context.ellipse((one[0] + other[0]) / 2, (one[1] + other[1]) / 2, Math.hypot(one[0] - other[0], one[1] - other[1]) / 2, 4, Math.atan2(one[1] - other[1], one[0] - other[0]), 0, 7);
    context.fill();
  });
  dots(context, body, 4, (number) => rgb(figure.colours[number]));
  for (const part of HANDS) {
    const hand = triples(person[part]);
    figure.hand_bones.forEach(([from, to], number) => {
      if (!(hand[from]?.[2] > 0 && hand[to]?.[2] > 0)) return;
      Object.assign(context, { strokeStyle: rgb(figure.hand_colours[number]), lineWidth: 2 });
      context.beginPath();
      context.moveTo(hand[from][0], hand[from][1]);
      context.lineTo(hand[to][0], hand[to][1]);
      context.stroke();
    });
    dots(context, hand, 4, () => rgb(figure.hand_joint));
  }
  dots(context, triples(person[FACE]), 3, () => rgb(figure.face_point));
}

function dots(context, points, radius, colourOf) {
  points.forEach(([x, y, score], number) => {
    if (!(score > 0)) return;
    context.fillStyle = colourOf(number);
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
  });
}
