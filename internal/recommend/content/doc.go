// Package content says which products are alike by what the catalogue knows of them:
// brand, category, colour, material, words of the name, price. It serves what nobody
// bought yet, and whoever is looked at for the first time, by what they look at now.
//
// It promises:
//
//   - it holds no person, and nothing that anybody did: the same catalogue gives the
//     same bytes, in whatever order its products come, on every processor;
//   - a score is a sum of whole numbers, one for each pair of a product that was seen
//     and a field that both share. [Model.Explain] gives them, and they sum exactly;
//   - a new product is ranked at once: [Model.With] adds it under the weights that are
//     there, and what is there is not changed by it;
//   - equal scores rank by item id.
//
// # The rule
//
// Every product has at most 64 features, each a field and a value, such as colour and
// "navy blue". A feature of n of N products weighs its field's weight times
// log2(N/n). What more than half of them have tells nothing and is left out; what only
// one has is like nothing, but counts into the length. A product's weights are divided by
// their Euclidean length and kept as bytes, 1 to 255. The score of product i for products
// seen is
//
//	Σ over the seen products h, Σ over features f of both: p(h) · w(h, f) · w(i, f)
//
// where p is 8 for the product seen last, 4 for the one before, 2 for the one before
// that, and 1 for each older one. A product seen twice counts where it was seen last,
// and only the last [MaxSeen] count.
//
// # The file
//
// [Model.MarshalBinary] writes, with unsigned varints (LEB128) as numbers and texts
// as a number of bytes and the bytes:
//
//	"THCM" 1                                     magic and form
//	F, then F times: text                        the fields' words, by number from 0
//	T, then T times: field, text                 the features
//	N, then N times: text, n, n times: gap, byte the products in order of id, added
//	                                             ones after: the id, and for each of
//	                                             its features the number's distance to
//	                                             the one before (the first: to -1) and
//	                                             its weight
package content
