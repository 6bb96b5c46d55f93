// Saving: a file that a page has got from the hub goes to the browser's downloads.

/** The browser asks where, or puts it where downloads go. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
