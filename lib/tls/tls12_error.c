/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/tls12_error.h"

#include "lib/tls/tls12_peer.h"

enum alert { /* RFC 5246 7.2 */
	     UNEXPECTED_MESSAGE = 10,
	     BAD_RECORD_MAC = 20,
	     RECORD_OVERFLOW = 22,
	     HANDSHAKE_FAILURE = 40,
	     BAD_CERTIFICATE = 42,
	     UNSUPPORTED_CERTIFICATE = 43,
	     CERTIFICATE_EXPIRED = 45,
	     CERTIFICATE_UNKNOWN = 46,
	     ILLEGAL_PARAMETER = 47,
	     UNKNOWN_CA = 48,
	     DECODE_ERROR = 50,
	     DECRYPT_ERROR = 51,
	     PROTOCOL_VERSION = 70,
	     INTERNAL_ERROR = 80,
	     UNSUPPORTED_EXTENSION = 110,
};

static const struct {
	int code;
	struct tls12_error error;
} table[] = {
        {BR_ERR_UNSUPPORTED_VERSION, {ERR_CRYPTO, PROTOCOL_VERSION, "the peer speaks another version than TLS 1.2"}},
        {BR_ERR_BAD_VERSION, {ERR_CRYPTO, PROTOCOL_VERSION, "a record of another version than the one agreed on"}},
        {BR_ERR_BAD_LENGTH, {ERR_CRYPTO, RECORD_OVERFLOW, "a record of an impossible length"}},
        {BR_ERR_TOO_LARGE, {ERR_CRYPTO, RECORD_OVERFLOW, "a record that is too large"}},
        {BR_ERR_BAD_MAC, {ERR_CRYPTO, BAD_RECORD_MAC, "a record was changed on its way"}},
        {BR_ERR_NO_RANDOM, {ERR_NO_RANDOM, INTERNAL_ERROR, "no random numbers"}},
        {BR_ERR_UNKNOWN_TYPE, {ERR_CRYPTO, UNEXPECTED_MESSAGE, "a record of an unknown type"}},
        {BR_ERR_UNEXPECTED, {ERR_CRYPTO, UNEXPECTED_MESSAGE, "a message at the wrong time"}},
        {BR_ERR_BAD_CCS, {ERR_CRYPTO, DECODE_ERROR, "a malformed ChangeCipherSpec"}},
        {BR_ERR_BAD_ALERT, {ERR_CRYPTO, DECODE_ERROR, "a malformed alert"}},
        {BR_ERR_BAD_HANDSHAKE, {ERR_CRYPTO, DECODE_ERROR, "a malformed handshake message"}},
        {BR_ERR_OVERSIZED_ID, {ERR_CRYPTO, ILLEGAL_PARAMETER, "a session id that is too long"}},
        {BR_ERR_BAD_CIPHER_SUITE,
         {ERR_CRYPTO, ILLEGAL_PARAMETER, "the peer chose a cipher suite that was not offered"}},
        {BR_ERR_BAD_COMPRESSION, {ERR_CRYPTO, ILLEGAL_PARAMETER, "the peer wants compression"}},
        {BR_ERR_BAD_FRAGLEN, {ERR_CRYPTO, ILLEGAL_PARAMETER, "a maximum fragment length that was not asked for"}},
        {BR_ERR_BAD_SECRENEG, {ERR_CRYPTO, HANDSHAKE_FAILURE, "a false renegotiation"}},
        {BR_ERR_EXTRA_EXTENSION, {ERR_CRYPTO, UNSUPPORTED_EXTENSION, "an extension that was not asked for"}},
        {BR_ERR_BAD_SNI, {ERR_CRYPTO, ILLEGAL_PARAMETER, "a malformed server name"}},
        {BR_ERR_BAD_HELLO_DONE, {ERR_CRYPTO, DECODE_ERROR, "a malformed ServerHelloDone"}},
        {BR_ERR_LIMIT_EXCEEDED, {ERR_CRYPTO, ILLEGAL_PARAMETER, "a key of the peer is too large"}},
        {BR_ERR_BAD_FINISHED, {ERR_CRYPTO, DECRYPT_ERROR, "the handshake was changed on its way"}},
        {BR_ERR_INVALID_ALGORITHM, {ERR_CRYPTO, ILLEGAL_PARAMETER, "the peer chose an algorithm that was not offered"}},
        {BR_ERR_BAD_SIGNATURE, {ERR_CRYPTO, DECRYPT_ERROR, "the peer has not the key of its certificate"}},
        {BR_ERR_WRONG_KEY_USAGE,
         {ERR_AUTH, UNSUPPORTED_CERTIFICATE, "the key of the peer's certificate may not be used for this"}},
        {BR_ERR_NO_CLIENT_AUTH, {ERR_AUTH, HANDSHAKE_FAILURE, "the client showed no certificate"}},
        {BR_ERR_X509_EMPTY_CHAIN, {ERR_AUTH, BAD_CERTIFICATE, "the peer showed no certificate"}},
        {BR_ERR_X509_UNSUPPORTED,
         {ERR_AUTH, UNSUPPORTED_CERTIFICATE, "the peer's certificates use an algorithm that is not supported"}},
        {BR_ERR_X509_WRONG_KEY_TYPE,
         {ERR_AUTH, UNSUPPORTED_CERTIFICATE, "the peer's certificate has a key of another kind than was agreed on"}},
        {BR_ERR_X509_BAD_SIGNATURE, {ERR_AUTH, BAD_CERTIFICATE, "a certificate of the peer has a false signature"}},
        {BR_ERR_X509_EXPIRED, {ERR_AUTH, CERTIFICATE_EXPIRED, "a certificate of the peer is not valid at this time"}},
        {BR_ERR_X509_DN_MISMATCH, {ERR_AUTH, BAD_CERTIFICATE, "the peer's certificates are not a chain"}},
        {BR_ERR_X509_BAD_SERVER_NAME, {ERR_AUTH, BAD_CERTIFICATE, "the peer's certificate is for another name"}},
        {BR_ERR_X509_CRITICAL_EXTENSION,
         {ERR_AUTH, UNSUPPORTED_CERTIFICATE, "a certificate of the peer has a critical extension we do not know"}},
        {BR_ERR_X509_NOT_CA, {ERR_AUTH, BAD_CERTIFICATE, "a certificate was signed by one that may not sign others"}},
        {BR_ERR_X509_FORBIDDEN_KEY_USAGE,
         {ERR_AUTH, UNSUPPORTED_CERTIFICATE, "a certificate of the peer may not be used for this"}},
        {BR_ERR_X509_WEAK_PUBLIC_KEY, {ERR_AUTH, BAD_CERTIFICATE, "a certificate of the peer has a weak key"}},
        {BR_ERR_X509_NOT_TRUSTED, {ERR_AUTH, UNKNOWN_CA, "no root we trust stands behind the peer's certificate"}},
        {PEER_NOT_PINNED, {ERR_AUTH, CERTIFICATE_UNKNOWN, "the peer's key is not a pinned one"}},
        {PEER_TOO_LARGE, {ERR_AUTH, BAD_CERTIFICATE, "the peer's certificate is too large"}},
};

struct tls12_error tls12_error(int code)
{
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		if (table[i].code == code)
			return table[i].error;
	if (code > BR_ERR_X509_OK && code < PEER_ERRORS_END)
		return (struct tls12_error){ERR_AUTH, BAD_CERTIFICATE, "a certificate of the peer is malformed"};
	if (code >= BR_ERR_SEND_FATAL_ALERT) /* the engine has sent it */
		return (struct tls12_error){ERR_CRYPTO, 0, "the peer's offer has nothing we accept"};
	if (code >= BR_ERR_RECV_FATAL_ALERT)
		return (struct tls12_error){ERR_CRYPTO, 0, "the peer ended the connection with an alert"};
	return (struct tls12_error){ERR_CRYPTO, INTERNAL_ERROR, "the connection failed"};
}
