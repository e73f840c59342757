import type { Page } from "@playwright/test";

import { expect, test } from "./miner";

const here = (page: Page) => page.getByRole("table", { name: "On this computer" });
const toHave = (page: Page) => page.getByRole("table", { name: "Can be had" });
const downloads = (page: Page) => page.getByRole("region", { name: "On their way" });

test("a model is downloaded with rate and time left, paused, gone on with, and is there", async ({ page, miner }) => {
  await miner.open({ screen: "models" });
  await expect(toHave(page).getByRole("row", { name: /Qwen3 4B Licence: Apache-2.0 Q4_K 2.5 GB/ })).toBeVisible();
  await page.getByRole("button", { name: "Download Qwen3 4B Q4_K" }).click();
  await miner.pass(5_000);
  await expect(downloads(page).getByText(/of 2.5 GB · 18 MB\/s · 2 min \d+ s left/)).toBeVisible();
  await expect(toHave(page).getByRole("row", { name: /Qwen3 4B .* Q4_K/ })).toContainText("On its way");
  await page.getByRole("button", { name: "Pause Qwen3 4B Q4_K" }).click();
  await expect(downloads(page).getByText("Qwen3 4B Q4_K: Paused")).toBeVisible();
  await miner.pass(60_000);
  await page.getByRole("button", { name: "Go on with Qwen3 4B Q4_K" }).click();
  await miner.pass(140_000);
  await expect(downloads(page)).toBeHidden();
  await expect(here(page).getByRole("row", { name: /Qwen3 4B Q4_K 2.5 GB Downloaded/ })).toBeVisible();
});

test("in a node with a name nothing can be changed, and each button says why", async ({ page, miner }) => {
  await miner.open({ scenario: "named-node", screen: "models" });
  const buttons = page.getByRole("main").getByRole("button", { name: /^(Import|Download|Make|Delete|Forget|Keep|Protect)/ });
  expect(await buttons.count()).toBeGreaterThan(4);
  for (const button of await buttons.all()) {
    await expect(button).toHaveAttribute("aria-disabled", "true");
    await expect(button).toHaveAccessibleDescription(/The main node, the one without a name/);
    await button.focus();
    await expect(button).toBeFocused();
  }
  await page.getByRole("button", { name: "Download Qwen3 4B Q4_K" }).press("Enter");
  await miner.pass(5_000);
  await expect(downloads(page)).toBeHidden();
  await expect(page.getByText("Changed in the main node only.")).toHaveCount(2);
});

test("downloads wait for each other, keep a speed limit, and are cancelled", async ({ page, miner }) => {
  await miner.open({ scenario: "downloading", screen: "models" });
  await expect(downloads(page).getByText("Llama 3.2 1B Instruct Q8_0: Waits for the one before")).toBeVisible();
  await page.getByRole("combobox", { name: "Speed limit: No speed limit" }).click();
  await page.getByRole("option", { name: "At most 2 MB/s", exact: true }).click();
  await miner.pass(1_000);
  await expect(downloads(page).getByText(/· 2 MB\/s ·/)).toBeVisible();
  await expect(page.getByRole("combobox", { name: "Speed limit: At most 2 MB/s" })).toBeVisible();
  await page.getByRole("button", { name: "Cancel Qwen3 4B Q4_K" }).click();
  await miner.pass(1_000);
  await expect(downloads(page).getByText("Llama 3.2 1B Instruct Q8_0: From huggingface.co")).toBeVisible();
});

test("without a connection a download says what to do, and is tried again", async ({ page, miner }) => {
  await miner.open({ scenario: "downloading", screen: "models" });
  await expect(downloads(page).getByText("Huggingface.co cannot be reached; check the connection, then start the download again: it goes on where it was.")).toBeVisible();
  await page.getByRole("button", { name: "Try again to get SmolLM2 360M Instruct Q8_0" }).click();
  await expect(downloads(page).getByText("SmolLM2 360M Instruct Q8_0: Waits for the one before")).toBeVisible();
});

test("deleting names the bytes, says what became free, and spares what is loaded or kept", async ({ page, miner }) => {
  await miner.open({ screen: "models" });
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Delete SmolLM2 135M Instruct Q8_0" }).click();
  await expect(dialog).toContainText("145 MB become free. The miner does not choose this precision until it is made again");
  await dialog.getByRole("button", { name: "Delete 145 MB" }).click();
  await expect(dialog.getByRole("alert")).toContainText("is loaded to serve requests; pause mining or choose the other mode");
  await dialog.getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("button", { name: "Keep SmolLM2 135M Instruct Q4_0", exact: true }).click();
  await expect(here(page).getByRole("row", { name: /Q4_0/ })).toContainText("Kept");
  await page.getByRole("button", { name: "Delete SmolLM2 135M Instruct Q4_0" }).click();
  await dialog.getByRole("button", { name: "Delete 92 MB" }).click();
  await expect(dialog.getByRole("alert")).toContainText("is to be kept");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Keep SmolLM2 135M Instruct Q4_0 no longer" }).click();

  const remove = page.getByRole("button", { name: "Delete SmolLM2 135M Instruct Q4_0" });
  await remove.focus();
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Delete 92 MB" }).click();
  await expect(page.getByText("Deleted. 92 MB became free.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Make SmolLM2 135M Instruct Q4_0 from Q4_1" })).toBeVisible();
  await page.getByRole("button", { name: "Forget tiny-stories-33m F16" }).click();
  await expect(dialog).toContainText("The file of 155 MB stays where it is: /home/sam/models/Tiny Stories 33M.F16.gguf");
  await dialog.getByRole("button", { name: "Forget", exact: true }).click();
  await expect(page.getByText("Forgotten. Its file is where it was.")).toBeVisible();
});

test("a format is made from a more exact file, and what fell back is told", async ({ page, miner }) => {
  await miner.open({ screen: "models" });
  await page.getByRole("button", { name: "Make tiny-stories-33m Q6_K from F16" }).click();
  await miner.pass(2_000);
  await expect(page.getByRole("progressbar", { name: "Making Q6_K of tiny-stories-33m" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Make tiny-stories-33m Q4_0 from F16" })).toBeDisabled();
  await miner.pass(3_000);
  await expect(page.getByText("Q6_K of tiny-stories-33m was made from F16.")).toBeVisible();
  await expect(page.getByText("6 tensors could not have this format and have the next finer one:")).toBeVisible();
  await expect(page.getByText("and one more")).toBeVisible();
  await expect(here(page).getByRole("row", { name: /tiny-stories-33m Q6_K .* Made here/ })).toBeVisible();
});

test("a file is imported, and what another program has is used where it is", async ({ page, miner }) => {
  await miner.open({ screen: "models" });
  await page.getByRole("button", { name: "Import a file…" }).click();
  await miner.pass(2_000);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(page.getByText("Stopped. Nothing was changed.")).toBeVisible();
  await page.getByRole("button", { name: "Import a folder…" }).click();
  await miner.pass(5_000);
  await expect(page.getByText("Imported: qwen3-1.7b-q8_0 Q8_0. The file is used where it is.")).toBeVisible();
  await page.getByRole("button", { name: "Use Qwen3 0.6B Q8_0 from Hugging Face cache" }).click();
  await expect(here(page).getByRole("row", { name: /Qwen3 0.6B Q8_0 639 MB Hugging Face cache/ })).toBeVisible();
});

test("before the first start nothing is here but what the miner begins with", async ({ page, miner }) => {
  await miner.open({ scenario: "first-start", screen: "models" });
  await expect(here(page).getByRole("row")).toHaveCount(2);
  await expect(toHave(page).getByRole("button", { name: "Make SmolLM2 135M Instruct F16 from Q4_1" })).toBeVisible();
});
