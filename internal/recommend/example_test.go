package recommend_test

import (
	"context"
	"fmt"
	"log"

	"thimble"
	"thimble/internal/recommend"
)

// A tiny shop: everyone but Dan had shirt and shoes.
func tinyShop() (*recommend.Dataset, map[string]thimble.SubjectID) {
	d := recommend.NewDataset([]thimble.ItemID{"hat", "shirt", "shoes"})
	people := map[string]thimble.SubjectID{}
	for n, p := range []struct {
		name  string
		items []thimble.ItemID
	}{
		{"ada", []thimble.ItemID{"shirt", "shoes"}},
		{"bob", []thimble.ItemID{"shirt", "shoes"}},
		{"cleo", []thimble.ItemID{"shoes", "shirt", "hat"}},
		{"dan", []thimble.ItemID{"shirt", "hat"}},
	} {
		people[p.name] = thimble.SubjectID{15: byte(n + 1)}
		if err := d.Put(people[p.name], recommend.History{Items: p.items, Trusted: true}); err != nil {
			log.Fatal(err)
		}
	}
	return d, people
}

func ExampleTrain() {
	d, _ := tinyShop()
	m, err := recommend.Train(context.Background(), recommend.DefaultRecipe(), d, nil)
	if err != nil {
		log.Fatal(err)
	}
	past := []thimble.Interaction{{Item: "hat"}, {Item: "shirt"}}
	for _, entry := range m.ForYou(past, recommend.Query{}) {
		fmt.Println(entry.Item, recommend.Sum(entry.Terms) == entry.Score, recommend.Replay(m, past, []recommend.Ranked{entry}))
	}
	// Output: shoes true <nil>
}

func ExampleModel_Forget() {
	ctx := context.Background()
	d, people := tinyShop()
	m, err := recommend.Train(ctx, recommend.DefaultRecipe(), d, nil)
	if err != nil {
		log.Fatal(err)
	}
	without, _, err := m.Forget(ctx, d, people["cleo"])
	if err != nil {
		log.Fatal(err)
	}
	retrained, err := recommend.Train(ctx, recommend.DefaultRecipe(), d, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(without.Hash() == retrained.Hash(), without.Hash() == m.Hash())
	// Output: true false
}

func ExampleUnmarshalModel() {
	d, _ := tinyShop()
	m, err := recommend.Train(context.Background(), recommend.DefaultRecipe(), d, nil)
	if err != nil {
		log.Fatal(err)
	}
	b, _ := m.MarshalBinary()
	again, err := recommend.UnmarshalModel(b)
	fmt.Println(again.Hash() == m.Hash(), err)
	_, err = recommend.UnmarshalModel(b[:len(b)-1])
	fmt.Println(err)
	// Output:
	// true <nil>
	// recommend: reading a model: the digest does not match: invalid
}
