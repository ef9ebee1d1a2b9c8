package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A Statement says of which files a model consists: an in-toto Statement v1 whose
// predicate is that of OpenSSF Model Signing 1.0.
type Statement struct {
	Name      string // of the model; for people to read
	Resources []Resource
	// Ignored are paths that the signer left out. Here that hides nothing: a file that
	// is there and not listed is refused, but for the signature itself.
	Ignored []string
}

// A Resource is one file by name and SHA-256.
type Resource struct {
	Name   string
	Digest [sha256.Size]byte
}

type statementJSON struct {
	Type      string        `json:"_type"`
	Subject   []subjectJSON `json:"subject"`
	Predicate predicateJSON `json:"predicate"`
	Kind      string        `json:"predicateType"`
}

type subjectJSON struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
	Rest   jsontext.Value    `json:",inline"`
}

type predicateJSON struct {
	Resources     []resourceJSON    `json:"resources"`
	Serialization serializationJSON `json:"serialization"`
}

type resourceJSON struct {
	Name      string         `json:"name"`
	Algorithm string         `json:"algorithm"`
	Digest    string         `json:"digest"`
	Rest      jsontext.Value `json:",inline"`
}

type serializationJSON struct {
	Method   string   `json:"method"`
	HashType string   `json:"hash_type"`
	Symlinks *bool    `json:"allow_symlinks"`
	Ignored  []string `json:"ignore_paths,omitempty"`
	Shard    int64    `json:"shard_size,omitempty"`
}

func parseStatement(payload []byte) (*Statement, error) {
	var s statementJSON
	if err := strict(payload, &s); err != nil || s.Type != statementType || s.Kind != predicateType {
		return nil, Refuse(RuleStatement, "_type, predicateType, subject and predicate, once each")
	}
	how := s.Predicate.Serialization
	switch {
	case len(s.Subject) != 1 || s.Subject[0].Name == "":
		return nil, Refuse(RuleStatement, "one subject with a name")
	case how.Method != "files" || how.Shard != 0:
		return nil, Refuse(RuleStatement, "method is files")
	case how.HashType != "sha256":
		return nil, Refuse(RuleAlgorithm, "hash_type")
	case how.Symlinks == nil || *how.Symlinks:
		return nil, Refuse(RuleStatement, "allow_symlinks is false")
	}
	resources, err := resourcesOf(s.Predicate.Resources)
	if err != nil {
		return nil, err
	}
	root := rootDigest(resources)
	if len(s.Subject[0].Digest) != 1 || s.Subject[0].Digest["sha256"] != hex.EncodeToString(root[:]) {
		return nil, Refuse(RuleSubject, "")
	}
	return &Statement{Name: s.Subject[0].Name, Resources: resources, Ignored: how.Ignored}, nil
}

func resourcesOf(listed []resourceJSON) ([]Resource, error) {
	var all []Resource
	for _, r := range listed {
		if r.Algorithm != "sha256" {
			return nil, Refuse(RuleAlgorithm, "resources")
		}
		sum, err := hex.DecodeString(r.Digest)
		if err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != r.Digest {
			return nil, Refuse(RuleStatement, "a digest has 64 lower-case hexadecimal digits")
		}
		if !cleanName(r.Name) || len(all) > 0 && r.Name <= all[len(all)-1].Name {
			return nil, Refuse(RuleOrder, "resources")
		}
		all = append(all, Resource{Name: r.Name, Digest: [sha256.Size]byte(sum)})
	}
	if len(all) == 0 {
		return nil, Refuse(RuleStatement, "resources is empty")
	}
	return all, nil
}

// cleanName reports whether a name stays below its folder on every system.
func cleanName(name string) bool {
	return name != "" && name != "." && path.Clean(name) == name && !path.IsAbs(name) &&
		name != ".." && !strings.HasPrefix(name, "../") && !strings.ContainsAny(name, "\\:\x00")
}

// rootDigest is the digest of a model: over the digests of its files, in order.
func rootDigest(resources []Resource) [sha256.Size]byte {
	h := sha256.New()
	for _, r := range resources {
		h.Write(r.Digest[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// encode writes a statement; the resources are in order already.
func (s *Statement) encode() []byte {
	root, no := rootDigest(s.Resources), false
	out := statementJSON{
		Type: statementType, Kind: predicateType, Subject: []subjectJSON{{Name: s.Name, Digest: map[string]string{"sha256": hex.EncodeToString(root[:])}}},
		Predicate: predicateJSON{Serialization: serializationJSON{Method: "files", HashType: "sha256", Symlinks: &no, Ignored: s.Ignored}},
	}
	for _, r := range s.Resources {
		out.Predicate.Resources = append(out.Predicate.Resources, resourceJSON{Name: r.Name, Algorithm: "sha256", Digest: hex.EncodeToString(r.Digest[:])})
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // text and nothing else
	}
	return text
}

// SignatureFile is the name of the bundle within a package.
const SignatureFile = "model.sig"

// Sign lists the files, without a bundle among them, and signs the list. name is what
// the model is called.
func Sign(s *Signer, name string, files []File) ([]byte, error) {
	st := &Statement{Name: name, Ignored: []string{SignatureFile}}
	for _, f := range files {
		if f.Name != SignatureFile {
			st.Resources = append(st.Resources, Resource{Name: f.Name, Digest: sha256.Sum256(f.Content)})
		}
	}
	slices.SortFunc(st.Resources, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	e := &Envelope{Method: ByKey, Hint: s.Key().Hint(), payload: st.encode()}
	var err error
	if e.signature, err = s.sign(pae(e.payload)); err != nil {
		return nil, err
	}
	return e.encode(), nil
}

// Covers refuses files that are not exactly those of the statement. The signature
// itself, by its name, is none of them.
func (s *Statement) Covers(files []File) error {
	there := map[string]bool{}
	for _, f := range files {
		if f.Name == SignatureFile {
			continue
		}
		i, listed := slices.BinarySearchFunc(s.Resources, f.Name, func(r Resource, name string) int { return strings.Compare(r.Name, name) })
		if !listed {
			return Refuse(RuleUnlisted, "")
		}
		if sha256.Sum256(f.Content) != s.Resources[i].Digest {
			return Refuse(RuleDigest, s.Resources[i].Name)
		}
		there[f.Name] = true
	}
	for _, r := range s.Resources {
		if !there[r.Name] {
			return Refuse(RuleAbsent, r.Name)
		}
	}
	return nil
}
