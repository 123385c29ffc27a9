/**
 * How messages come into the machine: one byte for the kind, three for the length (little endian), and the message. The answer to each is one byte: the place
 * of its verdict in the list.
 */
export const kinds = Object.freeze([
  "command",
  "bluetooth",
  "grant",
  "shadow",
  "job",
  "certificate",
  "certificate refused",
  "thing",
  "thing refused",
  "record",
] as const);
export type Kind = (typeof kinds)[number];
export const headerLength = 4;

/** Why it is no message at all (modules/json/json-error). */
export const jsonVerdicts = Object.freeze([
  "TooLong",
  "TooDeep",
  "TooManyValues",
  "StringTooLong",
  "NumberTooLong",
  "Malformed",
] as const);

/** The first one: there is nothing to say against it. */
export const verdicts: readonly string[] = Object.freeze([
  "",
  ...jsonVerdicts,
  "BadField",
  "UnknownCommand",
  "NotAllowed",
  "Expired",
  "ClockNotSet",
  "ForeignGrant",
  "MalformedGrant",
  "ExpiredGrant",
  "GrantRefused",
  "BadAnswer",
  "InvalidEndpoint",
  "CertificateRejected",
  "RegistrationRejected",
  "MalformedURL",
  "URLTooLong",
  "IllegalCharacter",
  "UnsupportedScheme",
  "MalformedHost",
  "MalformedPort",
  "MissingParameter",
  "MalformedDate",
  "MalformedExpires",
  "HostNotSigned",
  "Absent",
]);
