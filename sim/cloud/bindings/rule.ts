/**
 * The rule, as template.yaml has it. The fields are named rather than taken with `*`, so that nobody can bring an `identity` of their own along.
 */
export const bindingRuleSQL =
  "SELECT requestId, action, thingName, name, certificateArn, nonce, publicKey, signature, csr, topic(2) AS identity FROM 'users/+/cameras/request'";
