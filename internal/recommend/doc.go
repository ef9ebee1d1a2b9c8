// Package recommend ranks items for a person from what that person had before,
// and items that go with an item. It holds the rules and the model; it neither
// asks for permission nor stores anything.
//
// The model is an item-item ridge regression in which every column, one item's
// weights, is a problem of its own over integer co-occurrence counts: the K
// nearest neighbours of the item, solved by a few conjugate-gradient steps. The
// ancestors are SLIM (Ning and Karypis 2011), EASE (Steck 2019) and, for the
// unequal ridge, EDLAE (Steck 2020); stopping early is a graph filter in the
// sense of GF-CF (Shen et al. 2021).
//
// It promises:
//
//   - a score is a sum of integers, one for each of the person's past items, so
//     that a reason is the score and not a story about it ([Replay]);
//   - a model's bytes depend on its [Recipe], its item table and the histories
//     alone: not on the order in which people were added, the number of workers
//     or the processor family;
//   - one person moves a model by a bounded weight, which is halved as time passes, and
//     those who are not trusted together by no more than the recipe's caps, whoever
//     came first ([History], [Recipe.Bounded], [Recipe.Decayed]);
//   - [Model.Forget] gives, byte for byte, the model that [Train] gives without
//     that person;
//   - whoever has no history gets an empty list, and an unknown item is ignored;
//   - decoding a damaged file is an error, never a panic or a huge allocation.
package recommend
