// A way from the editor to the artist's desk, the page that runs the shipped graphs as a form.

import { app } from "../../../scripts/app.js";

app.registerExtension({
  name: "Armature.Desk",
  commands: [
    {
      id: "Armature.OpenDesk",
      label: "Open the artist's desk",
      icon: "pi pi-sliders-h",
      tooltip: "Run the example graphs as a form: pictures, words, one row of weights",
      function: () => window.open(new URL("armature", document.baseURI), "_blank"),
    },
  ],
  menuCommands: [{ path: ["Extensions", "Armature"], commands: ["Armature.OpenDesk"] }],
});
