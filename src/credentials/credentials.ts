/** Where a cloud's IAM tokens come from. Own providers implement this. */
export interface Credentials {
  /** A valid token, and when it ends if that is known. Never logged, never sent to Temporal. */
  getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }>;
}
