package main

import "context"

func importReceipts(context.Context, *call, string) error { return errWords }
