/** The topics of one camera (DESIGN.md section 4). Its policy (certs/) allows these and no others. */
export interface Topics {
  /** In: commands, the JSON messages of the Bluetooth endpoint camera-command. */
  readonly commands: string;
  /** Out: the answer to each command, with its clientToken. */
  readonly answers: string;
  /** Out: state and counters, now and then. */
  readonly telemetry: string;
  /** Out: one message for each stored picture; its object URL has no query. */
  readonly photos: string;
  /** Out: the camera needs a URL to upload to. */
  readonly uploadRequest: string;
  /** In: url, headers, expires. */
  readonly uploadGrant: string;
}

export function topicsOf(thingName: string): Topics {
  const root = `device/${thingName}`;
  return {
    commands: `${root}/commands`,
    answers: `${root}/answers`,
    telemetry: `${root}/telemetry`,
    photos: `${root}/photos`,
    uploadRequest: `${root}/uploads/request`,
    uploadGrant: `${root}/uploads/grant`,
  };
}
