import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

export const HAS_CHROMIUM = existsSync(EXECUTABLE);
export const SKIPPED = `skipped: no Chromium at ${EXECUTABLE} (apt-get install chromium)`;

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });

/** What the browser complains about on this page, from now on: errors, warnings, and what nobody caught. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  return complaints;
}

/** What axe finds against WCAG 2.2 AA and good practice, each as the rule and where. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    // oxlint-disable-next-line typescript/no-explicit-any -- `axe` is there since the line before
    const found = await (globalThis as any).axe.run();
    return found.violations as {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
