package collect

import "thimble"

// Item returns the product that a source's code names, as it is written everywhere:
// 85123a and 85123A are one.
func Item(code string) thimble.ItemID { return itemCode(code) }
