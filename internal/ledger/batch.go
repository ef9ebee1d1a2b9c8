package ledger

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxBatch bounds how many leaves are in a batch.
const MaxBatch = 1 << 16

// A BatchPath places a leaf in a batch: many leaves that are the leaves of a tree of
// their own (RFC 6962 section 2.1), whose root one leaf of the log commits to. The log
// grows by one leaf whatever the size of the batch, and each of its leaves can be
// proven by itself, without a word about the others.
type BatchPath struct {
	Index, Size int64
	Proof       tlog.RecordProof
	Root        Opening // of the log's leaf
}

// A batchRecord is what the log's leaf commits to.
type batchRecord struct {
	V    int       `json:"v"`
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"` // base64
}

// batchTree holds the hashes of a batch in the order of tlog.StoredHashIndex.
type batchTree []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (t batchTree) ReadHashes(at []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(at))
	for i, n := range at {
		hashes[i] = t[n]
	}
	return hashes, nil
}

// BatchRoot returns the record of the log's leaf for a batch, of leaves one after the
// other in LeafSize bytes each.
func BatchRoot(leaves []byte) ([]byte, error) {
	tree, size, err := plant(leaves)
	if err != nil {
		return nil, err
	}
	root, err := tlog.TreeHash(size, tree)
	if err != nil {
		return nil, fmt.Errorf("ledger: hashing a batch: %w", err)
	}
	return json.Marshal(batchRecord{V: 1, Size: size, Root: root})
}

// ProveBatch returns the place of leaf index in the batch.
func ProveBatch(leaves []byte, index int64, root Opening) (*BatchPath, error) {
	tree, size, err := plant(leaves)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= size {
		return nil, invalid("a batch of %d leaves has no leaf %d", size, index)
	}
	proof, err := tlog.ProveRecord(size, index, tree)
	if err != nil {
		return nil, fmt.Errorf("ledger: proving in a batch: %w", err)
	}
	return &BatchPath{Index: index, Size: size, Proof: proof, Root: root}, nil
}

func plant(leaves []byte) (tree batchTree, size int64, err error) {
	if len(leaves) == 0 || len(leaves)%LeafSize != 0 || len(leaves)/LeafSize > MaxBatch {
		return nil, 0, invalid("a batch of %d bytes was given, whole leaves, at most %d, were expected", len(leaves), MaxBatch)
	}
	tree = make(batchTree, 0, 2*len(leaves)/LeafSize)
	for ; len(leaves) > 0; leaves = leaves[LeafSize:] {
		hashes, err := tlog.StoredHashes(size, leaves[:LeafSize], tree)
		if err != nil {
			return nil, 0, fmt.Errorf("ledger: hashing a batch: %w", err)
		}
		tree, size = append(tree, hashes...), size+1
	}
	return tree, size, nil
}

// Check reports whether the leaf of an opening is where the path says, in the batch that
// the root's record commits to. It does not look for the root in a log.
func (p *BatchPath) Check(o Opening) error {
	leaf, err := ParseLeaf(p.Root.Leaf)
	if err != nil {
		return err
	}
	var said batchRecord
	if err := json.Unmarshal(p.Root.Record, &said); err != nil || leaf.Class != Batch || said.V != 1 {
		return invalid("the root's record is not that of a batch")
	}
	if p.Size != said.Size || said.Size > MaxBatch {
		return invalid("the batch has %d leaves", said.Size)
	}
	return tlog.CheckRecord(p.Proof, said.Size, said.Root, p.Index, o.Hash())
}

const batchHeader = "thimble/batch-proof@v1"

// batchHead is what stands above the receipt of the root.
func (r *Receipt) batchHead() ([]byte, error) {
	extra, err := r.Opening.MarshalBinary()
	if err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, "%s\nextra %s\nindex %d\n", batchHeader, encode64(extra), r.Opening.Batch.Index)
	for _, h := range r.Opening.Batch.Proof {
		head = append(head, encode64(h[:])+"\n"...)
	}
	return append(head, '\n'), nil
}

// parseBatch reads a receipt out of a batch: the proof in the batch, and below it the
// plain receipt of the root.
func parseBatch(text string) (*Receipt, error) {
	proof, rest, ok := strings.Cut(text, "\n\n")
	if !ok || strings.HasPrefix(rest, batchHeader) {
		return nil, fmt.Errorf("%w: the receipt of the batch's root is missing", ErrForm)
	}
	root, err := ParseReceipt([]byte(rest))
	if err != nil {
		return nil, err
	}
	whole := *root
	whole.Opening, whole.Proof = Opening{}, nil
	if err := whole.parseProof(strings.Split(proof, "\n"), batchHeader); err != nil {
		return nil, err
	}
	path := &BatchPath{Index: whole.Index, Proof: whole.Proof, Root: root.Opening}
	var said batchRecord
	if json.Unmarshal(root.Opening.Record, &said) == nil {
		path.Size = said.Size
	}
	whole.Opening.Batch, whole.Index, whole.Proof = path, root.Index, root.Proof
	return &whole, nil
}

// Rooted returns the receipt of the batch's root, which is a plain one; a receipt out of
// no batch is its own.
func (r *Receipt) Rooted() *Receipt {
	if r.Opening.Batch == nil {
		return r
	}
	root := *r
	root.Opening = r.Opening.Batch.Root
	return &root
}

// Batched is the place of an entry in its batch.
type Batched struct{ Index, Size int64 }
