/** HTTP status of each error of the control plane (API model `iot`). */
const statuses = {
  InvalidRequestException: 400,
  MalformedPolicyException: 400,
  CertificateValidationException: 400,
  RegistrationCodeValidationException: 400,
  UnrecognizedClientException: 403,
  InvalidSignatureException: 403,
  ExpiredTokenException: 403,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  CertificateStateException: 406,
  ResourceAlreadyExistsException: 409,
  DeleteConflictException: 409,
  LimitExceededException: 410,
  InternalFailureException: 500,
} as const;

export type RegistryErrorName = keyof typeof statuses;

/** An error with the name and the fields that AWS IoT's control plane gives it. */
export class RegistryError extends Error {
  override readonly name: RegistryErrorName;
  readonly status: number;
  /** Further members of the answer. */
  readonly fields: Record<string, string>;

  constructor(name: RegistryErrorName, message: string, fields: Record<string, string> = {}) {
    super(message);
    this.name = name;
    this.status = statuses[name];
    this.fields = fields;
  }
}
