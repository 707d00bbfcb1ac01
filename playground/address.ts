/** Reads addresses of nodes as people type them, and says in plain words why a page cannot reach one. */

export type ReadAddress = { readonly address: string } | { readonly problem: string };

/** The parts of the page's location that decide which addresses it can reach. */
export type PageOrigin = Pick<Location, 'protocol' | 'origin' | 'host'>;

/**
 * Reads `host:port` or a URL. An address that the page can see to be impossible is refused here, because a browser
 * would not say why.
 */
export function readAddress(text: string, page: PageOrigin): ReadAddress {
  const typed = text.trim().replace(/^http(s?):\/\//i, 'ws$1://');
  const url = /^wss?:\/\//i.test(typed) ? typed : `${page.protocol === 'https:' ? 'wss' : 'ws'}://${typed}`;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (typed === '' || parsed === null || parsed.hostname === '' || parsed.username !== '')
    return { problem: `${JSON.stringify(text)} is not an address: write host:port, such as 127.0.0.1:2002` };
  if (parsed.port === '' && !/^wss?:\/\//i.test(typed))
    return { problem: `${typed} lacks the port of the node's API interface, such as ${typed}:2002` };
  if (page.protocol === 'https:' && parsed.protocol === 'ws:' && !isLoopback(parsed.hostname)) {
    const why = 'this page came over https, so the browser lets it connect only to wss:// addresses';
    return { problem: `${why}. Open the page over http, or put TLS in front of the node` };
  }
  return { address: /^wss?:\/\//i.test(typed) ? parsed.href.replace(/\/$/, '') : typed };
}

/** Why no node may have answered. A browser does not tell a page which of the reasons it is. */
export function whyNoAnswer(address: string, page: PageOrigin): readonly string[] {
  const own = page.host !== '' && address.replace(/^wss?:\/\//i, '') === page.host;
  const running = `No node answers at ${address}. Either nothing listens there, or the node is down`;
  if (own) return [`${running}. The page goes on trying.`];
  const origin = page.protocol === 'file:' ? 'null' : page.origin;
  if (origin === 'null')
    return [
      `${running}, or it refuses this page. A page that was opened from a file has no origin that a node could allow.`,
      'Open the page that the node serves itself, at http:// and its address.',
    ];
  return [
    `${running}, or it refuses pages of ${origin}.`,
    `Its config.toml allows them with: allowed_origins = ["${origin}"]`,
    'The page goes on trying; "connect tab" goes back to the cluster in this tab.',
  ];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
