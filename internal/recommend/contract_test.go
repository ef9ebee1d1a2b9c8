package recommend

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/registry"
	"thimble/internal/registry/registrytest"
)

// incremental is a model with the data it was made from, which forgets by solving again
// what a person touched.
type incremental struct {
	model *Model
	data  *Dataset
}

func (*incremental) Forgets() registry.Forgets {
	return registry.Forgets{Kind: registry.Incremental, Latency: "the columns that the person touched are solved again"}
}

func (i *incremental) Forget(ctx context.Context, people ...thimble.SubjectID) (before, after [sha256.Size]byte, err error) {
	before = i.model.Hash()
	for _, who := range people {
		next, _, err := i.model.Forget(ctx, i.data, who)
		if err != nil {
			// The person left the data already: the model is made of what is there.
			if next, err = Train(context.WithoutCancel(ctx), i.model.Recipe(), i.data, nil); err != nil {
				return before, after, err
			}
		}
		i.model = next
	}
	return before, i.model.Hash(), ctx.Err()
}

func TestTheModelForgetsAsTheRegistryAsks(t *testing.T) {
	registrytest.Run(t, func(tb testing.TB) *registrytest.World {
		var items []thimble.ItemID
		for i := range 12 {
			items = append(items, thimble.ItemID(fmt.Sprintf("item-%02d", i)))
		}
		i := &incremental{data: NewDataset(items)}
		w := &registrytest.World{Forgetter: i}
		for n := range 10 {
			id, err := thimble.NewID(nil)
			if err != nil {
				tb.Fatal(err)
			}
			if err := i.data.Put(thimble.SubjectID(id), History{Items: []thimble.ItemID{items[n], items[(n+1)%12], items[(n+5)%12]}, Trusted: true}); err != nil {
				tb.Fatal(err)
			}
			w.People = append(w.People, thimble.SubjectID(id))
		}
		anew := func() *Model {
			m, err := Train(context.Background(), DefaultRecipe(), i.data, nil)
			if err != nil {
				tb.Fatal(err)
			}
			return m
		}
		bytes := func(m *Model) []byte {
			b, err := m.MarshalBinary()
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
		i.model = anew()
		w.Kept = func(testing.TB) (kept, fresh [][]byte) { return [][]byte{bytes(i.model)}, [][]byte{bytes(anew())} }
		w.Serving = func(testing.TB) []byte { return bytes(i.model) }
		return w
	})
}
