import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

// `vitePreprocess` only for TypeScript in <script>; styles are plain CSS in files of their own at build time.
export default { preprocess: vitePreprocess({ style: false }), compilerOptions: { runes: true } };
