// Package ddrf is the format of the IAB Tech Lab's Data Deletion Request Framework 1.0: how a
// request to delete is passed on from firm to firm with a signed chain of custody. Three
// tokens (RFC 7519) stand in each other: the idJWT of the firm that the person asked, the
// rqJWT of the firm that passes it on, and the acJWT with which the receiver acknowledges.
// The specification is at github.com/InteractiveAdvertisingBureau/Data-Subject-Rights.
//
// It promises:
//
//   - a token counts only when its issuer is a firm whose discovery file, dsrdelete.json, the
//     operator has saved here. Nothing is fetched, and no key, address or algorithm of a
//     token's header is believed: the algorithm is that of the issuer's key (RFC 8725,
//     section 3.1), one of ES256, EdDSA, RS256;
//   - both tokens of a request are verified, each with the keys of its own issuer
//     ([Partners.Verify]); an acknowledgement is verified with the keys of who was asked, and
//     must hold the very request that was sent ([Acknowledged]);
//   - as the first firm, or as the next, one sends the same message again while it is taken
//     ([Signer.Requests]), with an identifier under a hash where the receiver takes that
//     ([Discovery.Write]);
//   - a name that comes twice in an object is refused; a "sub" is taken as an object and as
//     JSON in a text, because the specification has both; what is written has the object;
//   - what is wrong is said by the framework's result code ([Refusal]), and repeats nothing
//     that was sent.
//
// A request names no receiver, so whoever has one can show it to others. What is done about
// one is for the person to confirm.
package ddrf
