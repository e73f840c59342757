import type { ModelId, Practice } from "../host/types";

/** A shell's single quotes; inside them, one is written as '\''. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** A command that sends one question to the practice network and streams the answer. */
export function requestCommand({ api_url, api_key }: Practice, model: ModelId, question: string): string {
  const body = { model, stream: true, messages: [{ role: "user", content: question }] };
  return [
    `curl -N ${api_url}/chat/completions`,
    `  -H ${quoted(`Authorization: Bearer ${api_key}`)}`,
    `  -H 'Content-Type: application/json'`,
    `  -d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n");
}
