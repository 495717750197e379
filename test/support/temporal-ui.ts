import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';

/** Tabs of a workflow's page, as they stand in its address. */
export type Tab = 'timeline' | 'history' | 'pending-activities' | 'user-metadata';

export interface PageOptions {
  /** Whether failures have them; in a picture they would show the paths of this machine. @default true */
  stackTraces?: boolean;
}

/** The Temporal UI in a real browser. */
export interface TemporalUi {
  /** Opens a tab of a workflow's latest run. */
  open(workflow: { workflowId: string; runId: string }, tab: Tab, options?: PageOptions): Promise<Page>;
  close(): Promise<void>;
}

/** The Chromium of CHROMIUM_PATH, or of the distribution. Throws one sentence that says how to get one. */
export function findChromium(): string {
  const path = [
    process.env.CHROMIUM_PATH,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((candidate) => candidate !== undefined && existsSync(candidate));
  if (path !== undefined) return path;
  throw new Error('There is no Chromium: install it ("apt-get install chromium") or name one by CHROMIUM_PATH.');
}

/** A container has neither a sandbox for it nor a network that it could report to. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openTemporalUi(uiUrl: string): Promise<TemporalUi> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
  let page: Page | undefined;
  return {
    async open({ workflowId, runId }, tab, { stackTraces = true } = {}) {
      // A page of its own: the requests that the former one has open would hold this one up.
      await page?.close();
      page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, timezoneId: 'UTC' });
      page.setDefaultTimeout(40_000);
      if (!stackTraces) await leaveOutStackTraces(page);
      const workflow = `/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}`;
      await page.goto(`${uiUrl}${workflow}/${tab}`, { waitUntil: 'commit' });
      return page;
    },
    close: () => browser.close(),
  };
}

async function leaveOutStackTraces(page: Page): Promise<void> {
  await page.route('**/api/v1/**', async (route) => {
    // It answers when there is news, or not at all.
    if (/waitNewEvent=true/i.test(route.request().url())) return route.continue();
    try {
      const response = await route.fetch();
      const body = (await response.text()).replace(/"stackTrace":\s*"(?:[^"\\]|\\.)*"/g, '"stackTrace":""');
      await route.fulfill({ status: response.status(), contentType: 'application/json', body });
    } catch (err) {
      // Requests that wait for news end with their page.
      if (!page.isClosed()) throw err;
    }
  });
}
