import { execFileSync } from 'node:child_process';
import { chromium, type Page } from 'playwright-core';

/** The tabs of a workflow's page, as its URL spells them. */
export type Tab = 'timeline' | 'history' | 'pending-activities' | 'user-metadata';

export interface PageOptions {
  /**
   * Whether failures show their stack traces; in a picture these would show paths of this machine.
   * @default true
   */
  stackTraces?: boolean;
}

/** The Temporal UI in a real browser. */
export interface TemporalUi {
  /** Opens a tab of a workflow's latest run. */
  open(workflow: { workflowId: string; runId: string }, tab: Tab, options?: PageOptions): Promise<Page>;
  close(): Promise<void>;
}

/** How to start a headless Chromium. */
export interface Chromium {
  executablePath: string;
  args: string[];
}

/**
 * The Chromium of the npm package, unpacked into the temporary folder; undefined on a platform that the package does
 * not support. Runs in a process of its own, since the package is an ES module, which Jest cannot import.
 */
export function findChromium(): Chromium | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', PRINT_CHROMIUM], {
    encoding: 'utf8',
    cwd: __dirname,
  });
  const found: unknown = JSON.parse(printed);
  if (!isChromium(found)) throw new Error(`@sparticuz/chromium printed ${printed}, where a path and arguments belong`);
  return found;
}

const PRINT_CHROMIUM = `
import chromium from '@sparticuz/chromium';
// In a single process, a page that is closed takes the browser with it.
const args = chromium.args.filter((argument) => argument !== '--single-process');
console.log(JSON.stringify({ executablePath: await chromium.executablePath(), args }));
`;

function isChromium(found: unknown): found is Chromium {
  if (typeof found !== 'object' || found === null || !('executablePath' in found) || !('args' in found)) return false;
  return typeof found.executablePath === 'string' && Array.isArray(found.args);
}

export async function openTemporalUi(uiUrl: string): Promise<TemporalUi> {
  const found = findChromium();
  if (!found) throw new Error(`There is no Chromium for ${process.platform} ${process.arch} among the npm packages`);
  const browser = await chromium.launch({ ...found, headless: true });
  let page: Page | undefined;
  return {
    async open({ workflowId, runId }, tab, { stackTraces = true } = {}) {
      // A new page each time: open requests of the former page would delay this one.
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
    // A long poll, which answers when there is news, or never.
    if (/waitNewEvent=true/i.test(route.request().url())) return route.continue();
    try {
      const response = await route.fetch();
      const body = (await response.text()).replace(/"stackTrace":\s*"(?:[^"\\]|\\.)*"/g, '"stackTrace":""');
      await route.fulfill({ status: response.status(), contentType: 'application/json', body });
    } catch (err) {
      // Long polls end with their page.
      if (!page.isClosed()) throw err;
    }
  });
}
