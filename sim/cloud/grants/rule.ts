/**
 * The rule, as template.yaml has it. The fields are named rather than taken with `*`, so that a camera cannot bring a `thing` of its own along.
 */
export const grantRuleSQL =
  "SELECT imageId, byteLength, contentType, requestId, topic(2) AS thing FROM 'device/+/uploads/request'";
