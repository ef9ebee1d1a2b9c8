// Package arrange makes a list out of scored products by the shop's rules, and says
// what each rule did.
//
// It promises:
//
//   - a product that a filter keeps out is in no list, on no place, and no rule brings
//     it back: what is withdrawn, out of stock, bought already, for grown-ups where
//     nobody vouched for the reader, outside the price, size or category asked for, or
//     in a category that the reader bought from within its window;
//   - what is not known does not pass a filter that asks for it: an unknown price is
//     not below a bound, an unknown level is not in stock;
//   - a boost moves a score by at most the bound that the rules state, itself at most
//     [MostBoost] percent, and the move is stated: score and move are all there is;
//   - rules choose what is in the list; the order in it is that of the scores after
//     boosts, then of the ids. Only a campaign has a fixed place, and is marked as one;
//   - of the variants of one product one is shown;
//   - a list that is empty says why, with numbers;
//   - the same candidates, rules and request give the same list, in whatever order the
//     candidates come.
package arrange
