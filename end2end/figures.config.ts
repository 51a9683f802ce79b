// Figures of the pages, for `make bench`: one page after the other, with nothing beside them.
import { defineConfig } from '@playwright/test';
import stories from './playwright.config.ts';

export default defineConfig({ ...stories, testDir: 'figures', workers: 1, retries: 0, timeout: 600_000, reporter: [['line']], use: { ...stories.use, trace: 'off' } });
