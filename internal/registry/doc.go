// Package registry holds the rules by which a trained model is packed, signed,
// verified, promoted and made to forget. It does no I/O: registrydb keeps versions
// and files, registryweb shows the board.
//
// A package is one archive of four files: the weights, a card that says what the
// model is for and how well it does, a lineage from which anybody can make it again,
// and an OpenSSF Model Signing 1.0 bundle over the other three (key method: a DSSE
// envelope around an in-toto Statement v1, in a Sigstore bundle). The reference tool
// verifies an unpacked package, and this package verifies what the tool has signed.
//
// It promises:
//
//   - one package has one encoding: a byte that is changed, added or left out is
//     refused, and the refusal names its [Rule];
//   - a package is opened only if a key that counts has signed it, every file of it is
//     listed, and every listed file is there with the digest that was signed;
//   - a right signature is not enough: an older version, a revoked one, one of another
//     model and one that was signed by a revoked key are refused by [Admit];
//   - what nobody has audited says so: a card without an audit is "unaudited";
//   - reading a damaged or hostile archive, bundle, card or lineage is a refusal, never
//     a panic, and allocates in proportion to what was read;
//   - a model that offers to forget is a [Forgetter]; package registrytest holds it to
//     that.
//
// Not there yet: certificates and Sigstore's keyless method. Their bundles are read, so
// that they are told apart from damaged ones, and refused: there is nobody here to say
// which authority counts.
package registry
