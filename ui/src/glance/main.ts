import "../lib/design/tokens.css";
import "../lib/design/base.css";
import "./page.css";

import { mount } from "svelte";

import { speak } from "../lib/messages";
import Page from "./Page.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("glance.html has no element with the id app");
// The page knows no settings: it speaks as the browser does.
await speak(null);
mount(Page, { target });
