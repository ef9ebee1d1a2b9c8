// Package collect takes in what the shop already knows: orders from a file. Events
// come with their own issue.
//
// It promises:
//
//   - The door is asked before anything is written, once per category of data. What
//     it denies is not written: without customer numbers orders become guests',
//     without countries they have none, without purchase history nothing is imported.
//   - Orders of people who were forgotten stay out, and are counted.
//   - A broken row is skipped, counted and listed with its line and the rule it
//     breaks, never with a value. One broken row costs no other row, but those of
//     an order that comes back after it ended (reason "split").
//   - What is committed stays. A batch is one transaction with the import's
//     progress, so an import that was cut off at any point goes on after the last
//     committed line and doubles nothing; so do two imports at once.
//   - A source is known by the SHA-256 of its whole content (read once for it
//     before the import begins, and once more while importing: a file that changes
//     in between is an error) together with the options that change its meaning. A
//     finished import of the same source does nothing.
//   - An order whose number is known already is counted, not doubled. Numbers of
//     customers, orders and reviews are those of one shop ([ShopPrefix]): a source that
//     has some says whose they are, once several shops' are here.
//   - Money is read as decimal digits, never as a float, and rounded half up to
//     the minor unit.
//
// The rows of one order must be adjacent. Rules for what a row may say are in
// row.go; which descriptions are names, which codes are services and which
// category a name falls in, in product.go; names of countries in country.go.
package collect
