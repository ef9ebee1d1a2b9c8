package registry

import (
	"fmt"

	"thimble"
)

// A Rule is what a refused package broke. The words are shown and logged; they name
// nobody.
type Rule string

// The rules, from the outside in.
const (
	RuleMissing    Rule = "the file is missing"
	RuleFile       Rule = "the file is not the one that was released"
	RuleArchive    Rule = "the archive is not in canonical form"
	RuleSize       Rule = "a file is larger than a package may hold"
	RuleUnsigned   Rule = "there is no signature"
	RuleBundle     Rule = "the signature is not a bundle of OpenSSF Model Signing 1.0"
	RuleMethod     Rule = "the signature is not by a key"
	RuleEnvelope   Rule = "the envelope is not an in-toto statement under one signature"
	RuleStatement  Rule = "the statement is not one of OpenSSF Model Signing 1.0"
	RuleKey        Rule = "no key that counts has signed it"
	RuleRevokedKey Rule = "the key that signed it is revoked"
	RuleSignature  Rule = "the signature does not verify"
	RuleOrder      Rule = "the files are not listed once each, in order, by clean names"
	RuleAlgorithm  Rule = "a digest is by another algorithm than SHA-256"
	RuleSubject    Rule = "the digest of the model is not that of its files"
	RuleDigest     Rule = "a file is not what was signed"
	RuleUnlisted   Rule = "a file is there that was not signed"
	RuleAbsent     Rule = "a file that was signed is not there"
	RuleContent    Rule = "card and lineage do not describe these weights"
	RuleModel      Rule = "it is another model"
	RuleVersion    Rule = "it is another version"
	RuleFloor      Rule = "it is older than every version that is kept"
	RuleStage      Rule = "it is in no stage that is kept"
	RuleLink       Rule = "there is a link or a device where a file should be"
	RuleWeights    Rule = "the weights cannot be read"
)

// A Refusal says which rule a package broke. It is of kind thimble.ErrDenied.
type Refusal struct {
	Rule   Rule
	Detail string // which file or field; never a value out of a hostile file
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "registry: refused: " + string(r.Rule)
	}
	return fmt.Sprintf("registry: refused: %s (%s)", r.Rule, r.Detail)
}

// Unwrap makes every refusal a denial.
func (*Refusal) Unwrap() error { return thimble.ErrDenied }

// Refuse is the refusal by a rule.
func Refuse(rule Rule, detail string) error { return &Refusal{Rule: rule, Detail: detail} }
