// Build of the hub's pages: one bundle under dist/, embedded in the hub binary, no inline scripts.
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [vue()],
  build: {
    target: 'es2022',
    // The content security policy allows no data: scripts or fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      output: {
        manualChunks: {
          vue: ['vue', 'vue-router'],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: {
    // `npm run dev` against a hub running on this machine: XUNKE_HUB=https://localhost:8443
    proxy: {
      '/api': {
        target: process.env.XUNKE_HUB ?? 'https://localhost:8443',
        secure: false,
        ws: true,
        changeOrigin: true,
      },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
