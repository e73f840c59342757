import { expect, test } from "./miner";

test("two precisions answer beside each other, are scored, and are kept", async ({ page, miner }) => {
  await miner.open({ scenario: "empty-activity", screen: "compare" });
  await expect(page.getByText("No comparison yet")).toBeVisible();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByText("Write what is to be answered")).toBeVisible();
  await page.getByRole("button", { name: "Use an example" }).click();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await miner.pass(4_000);
  await expect(page.getByRole("progressbar", { name: "Answering" })).toBeVisible();
  await expect(page.getByText(/^All fit into memory together/)).toBeVisible();
  await expect(page.getByText("Q4_0 says the same as F16 for 13 tokens, then goes its own way.")).toBeVisible();
  await miner.pass(20_000);
  await expect(page.getByRole("table", { name: "Figures of each side" })).toBeVisible();
  await expect(page.getByRole("table", { name: "History" }).getByRole("row")).toHaveCount(2);
  await page.getByRole("button", { name: "Regenerate" }).click();
  await miner.pass(3_000);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("Stopped. What there was is kept")).toBeVisible();
  await expect(page.getByRole("table", { name: "History" }).getByRole("row")).toHaveCount(3);
});

test("the tokens are gone through with the arrow keys, as text and token by token", async ({ page, miner }) => {
  await miner.open({ screen: "compare" });
  const tokens = page.getByRole("listbox", { name: "Tokens of the answers" });
  const panel = page.getByRole("region", { name: "Token in detail" });
  await tokens.focus();
  await expect(panel).toContainText("Token 14 of 54 in Q4_0");
  await page.keyboard.press("ArrowRight");
  await expect(panel).toContainText("Token 15 of 54 in Q4_0");
  await page.keyboard.press("ArrowUp");
  await expect(panel).toContainText("in F16");
  await page.getByRole("radio", { name: "Token by token" }).click();
  await page.getByRole("option", { name: /^␣Rayleigh, Q4_0/ }).hover();
  await expect(panel).toContainText("␣Rayleigh");
  await expect(panel.getByRole("list")).toHaveCount(2);
  await expect(panel.getByRole("listitem")).toHaveCount(10);
});

test("a comparison of the history is looked at, renamed and deleted", async ({ page, miner }) => {
  await miner.open({ screen: "compare" });
  await page.getByRole("button", { name: "All three on the sky", exact: true }).click();
  await expect(page.getByRole("heading", { name: "All three on the sky" })).toBeVisible();
  await expect(page.getByText("Q8_0 says the same as F16 for 52 tokens")).toBeVisible();
  await page.getByRole("button", { name: "Rename All three on the sky" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(" ");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("Write a name.")).toBeVisible();
  await dialog.getByLabel("Name").fill("Blue sky");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("heading", { name: "Blue sky" })).toBeVisible();
  await page.getByRole("button", { name: "Delete Blue sky" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("button", { name: "Delete Blue sky" })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Why is the sky blue? Explain it in three sentences." })).toBeVisible();
});

test("a comparison is saved to read, to calculate with, and as a picture", async ({ page, miner }) => {
  await miner.open({ screen: "compare" });
  for (const [name, ending] of [["Markdown", "md"], ["CSV", "csv"], ["Picture", "png"]] as const) {
    await page.getByRole("button", { name, exact: true }).click();
    await expect(page.getByText(`Saved as /home/sam/Documents/cortensor-comparison.${ending}.`)).toBeVisible();
  }
});

test("a model of another vocabulary is compared without scores, and it is said why", async ({ page, miner }) => {
  await miner.open({ scenario: "empty-activity", screen: "compare" });
  await page.getByRole("combobox", { name: "Compared with" }).click();
  await page.getByRole("option", { name: "qwen3-0.6b, Q8_0" }).click();
  await expect(page.getByText("1 model of this computer cannot be compared")).toBeVisible();
  await page.getByRole("button", { name: "Use an example" }).click();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await miner.pass(20_000);
  await expect(page.getByText(/qwen3-0.6b Q8_0 has no divergence: its vocabulary of 151,936 tokens/)).toBeVisible();
  await expect(page.getByRole("row", { name: /^Mean divergence/ })).toContainText("No figure");
  await expect(page.getByRole("row", { name: /^Writing speed/ }).first()).toContainText("tokens/s");
});

test("the network answers beside a precision, marked as remote, and says what leaves this computer", async ({ page, miner }) => {
  await miner.open({ scenario: "empty-activity", screen: "compare" });
  await page.getByRole("combobox", { name: "Reference" }).click();
  await page.getByRole("option", { name: "The network, in high accuracy" }).click();
  await expect(page.getByText(/The prompt and the system prompt are sent to http:\/\/127.0.0.1:5010\/v1/)).toBeVisible();
  await page.getByRole("button", { name: "Use an example" }).click();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await miner.pass(3_000);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("Stopped. What there was is kept")).toBeVisible();
  await page.getByRole("button", { name: "Regenerate" }).click();
  await miner.pass(20_000);
  await expect(page.getByRole("heading", { name: "Network F16" })).toBeVisible();
  await expect(page.getByText("remote", { exact: true })).toBeVisible();
  await expect(page.getByText(/are compared letter by letter/)).toBeVisible();
  const tokens = page.getByRole("listbox", { name: "Tokens of the answers" });
  await tokens.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("region", { name: "Token in detail" })).toContainText("Network F16 expected");
});

test("a network whose key is not known asks for it, and one that has nobody says so", async ({ page, miner }) => {
  await miner.open({ scenario: "compare-network", screen: "compare" });
  await page.getByRole("combobox", { name: "Compared with" }).click();
  await page.getByRole("option", { name: "The network, in high accuracy" }).click();
  await page.getByRole("button", { name: "Use an example" }).click();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByRole("alert").filter({ hasText: "No API key is known for https://router.example.net/v1" })).toBeVisible();
  await page.getByRole("button", { name: "Keep the key" }).click();
  await expect(page.getByText("Enter the key.")).toBeVisible();
  await page.getByLabel("Your API key there").fill("sk-1234");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "Keep the key" }).press("Enter");
  await expect(page.getByLabel("Your API key there")).toHaveCount(0);
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await miner.pass(2_000);
  await expect(page.getByRole("alert").filter({ hasText: "no high-accuracy node serves" })).toBeVisible();
});

test("a report is measured, stopped, gone on with, and shown as chart and table", async ({ page, miner }) => {
  await miner.open({ scenario: "empty-activity", screen: "compare" });
  await page.getByRole("radio", { name: "Fidelity report" }).click();
  await expect(page.getByText("No report yet")).toBeVisible();
  await page.getByRole("button", { name: "Measure" }).click();
  await miner.pass(4_000);
  await expect(page.getByRole("progressbar", { name: /of 11 windows scored/ })).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText(/^Stopped at \d of 11 windows/)).toBeVisible();
  await page.getByRole("button", { name: "Go on" }).click();
  await miner.pass(30_000);
  await expect(page.getByText("picks the same word as F16 97 of 100 times")).toBeVisible();
  await expect(page.getByText("Q8_0: chosen for volume mode")).toBeVisible();
  await page.getByRole("radio", { name: "Writing speed" }).click();
  await expect(page.getByRole("img", { name: /Quality against writing speed/ })).toBeVisible();
  await expect(page.getByText("Q8_0: chosen for volume mode")).toBeVisible();
  await page.getByRole("button", { name: "Show as table" }).click();
  await expect(page.getByRole("row", { name: /^Perplexity/ })).toContainText("±");
});

test("a vote is cast blindly, and who was who is said only then", async ({ page, miner }) => {
  await miner.open({ screen: "compare" });
  await page.getByRole("radio", { name: "Blind vote" }).click();
  await page.getByRole("button", { name: "Use an example" }).click();
  await page.getByRole("button", { name: "Get two answers" }).click();
  await miner.pass(6_000);
  const answer = page.getByRole("article", { name: "Answer B" });
  await expect(answer).toContainText("Rayleigh");
  await expect(answer).not.toContainText(/F16|Q4_0/);
  await page.getByRole("button", { name: "B is better" }).click();
  await expect(page.getByText("You preferred B, which was F16. A was Q4_0.")).toBeVisible();
  await expect(page.getByText(/You can tell them apart, and prefer F16. Of 12 votes, 79% went to F16/)).toBeVisible();
});
