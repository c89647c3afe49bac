package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"homelab.arpa/lab/k3s/internal/token"
)

func tokenCommand() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "Manage tokens",
		Subcommands: []*cli.Command{
			{Name: "generate", Usage: "Print a new random token", Action: func(*cli.Context) error {
				_, err := fmt.Fprintln(os.Stdout, token.Random(3)+"."+token.Random(8))
				return err
			}},
		},
	}
}
