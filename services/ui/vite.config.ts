import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv } from 'vite';

/** In development Vite serves the pages, and the console's server answers /session and /v1: start that, too. */
export default defineConfig(({ mode }) => {
  const server = loadEnv(mode, '.', 'BUNNY_UI_')['BUNNY_UI_URL'] ?? 'http://127.0.0.1:3000';
  return {
    root: fileURLToPath(new URL('./console', import.meta.url)),
    publicDir: 'static',
    plugins: [react()],
    build: { outDir: '../dist/console', emptyOutDir: true, target: 'es2022', sourcemap: false },
    server: { port: 3001, proxy: { '/session': server, '/v1': server } },
  };
});
