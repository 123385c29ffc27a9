/** HTTP status of each error of the control plane (API model `iot`), and ForbiddenException of the data plane. */
const statuses = {
  InvalidRequestException: 400,
  MalformedPolicyException: 400,
  CertificateValidationException: 400,
  RegistrationCodeValidationException: 400,
  UnrecognizedClientException: 403,
  InvalidSignatureException: 403,
  ExpiredTokenException: 403,
  AccessDeniedException: 403,
  ForbiddenException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  CertificateStateException: 406,
  ResourceAlreadyExistsException: 409,
  VersionConflictException: 409,
  VersionsLimitExceededException: 409,
  DeleteConflictException: 409,
  InvalidStateTransitionException: 409,
  TerminalStateException: 410,
  LimitExceededException: 410,
  ThrottlingException: 429,
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
