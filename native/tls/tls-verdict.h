// What is wrong with a certificate, a key or roots that somebody handed in. The names are part of the
// interface: native/tls/credentials.d.ts.
#ifndef TLS_VERDICT_H
#define TLS_VERDICT_H

// First of the text, then of what is in it.
// clang-format off
#define TLS_VERDICTS(verdict)                                  \
  verdict(TLS_VERDICT_GOOD, "")                                \
  verdict(TLS_VERDICT_NO_PEM, "NoPEM")                         \
  verdict(TLS_VERDICT_NO_ARMOUR, "NoArmour")                   \
  verdict(TLS_VERDICT_NO_END, "NoEnd")                         \
  verdict(TLS_VERDICT_BAD_BASE64, "BadBase64")                 \
  verdict(TLS_VERDICT_IS_CERTIFICATE, "IsCertificate")         \
  verdict(TLS_VERDICT_IS_REQUEST, "IsRequest")                 \
  verdict(TLS_VERDICT_IS_PUBLIC_KEY, "IsPublicKey")            \
  verdict(TLS_VERDICT_IS_PRIVATE_KEY, "IsPrivateKey")          \
  verdict(TLS_VERDICT_IS_OTHER, "IsOther")                     \
  verdict(TLS_VERDICT_ENCRYPTED, "Encrypted")                  \
  verdict(TLS_VERDICT_SEVERAL_KEYS, "SeveralKeys")             \
  verdict(TLS_VERDICT_UNREADABLE, "Unreadable")                \
  verdict(TLS_VERDICT_CURVE, "Curve")                          \
  verdict(TLS_VERDICT_SHORT_KEY, "ShortKey")                   \
  verdict(TLS_VERDICT_OTHER_KEY, "OtherKey")                   \
  verdict(TLS_VERDICT_NOT_FIRST, "NotFirst")                   \
  verdict(TLS_VERDICT_BROKEN_CHAIN, "BrokenChain")             \
  verdict(TLS_VERDICT_WEAK_SIGNATURE, "WeakSignature")         \
  verdict(TLS_VERDICT_EXPIRED, "Expired")                      \
  verdict(TLS_VERDICT_NOT_YET_VALID, "NotYetValid")            \
  verdict(TLS_VERDICT_NO_AUTHORITY, "NoAuthority")             \
  verdict(TLS_VERDICT_OUT_OF_MEMORY, "OutOfMemory")
// clang-format on

#define TLS_VERDICT_CODE(code, name) code,
typedef enum { TLS_VERDICTS(TLS_VERDICT_CODE) TLS_VERDICT_COUNT } tls_verdict;
#undef TLS_VERDICT_CODE

#endif
