package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"homelab.arpa/lab/k3s/internal/token"
)

const day = 24 * time.Hour

func tokenCommand() *cli.Command {
	config := &cli.StringFlag{Name: "kubeconfig", EnvVars: []string{"KUBECONFIG"}, Value: "/etc/rancher/k3s/k3s.yaml", Usage: "Server to connect to"}
	folder := &cli.StringFlag{Name: "data-dir", Aliases: []string{"d"}, EnvVars: []string{"K3S_DATA_DIR"}, Value: dataDir(), Usage: "Folder of the state"}
	return &cli.Command{
		Name: "token", Usage: "Manage tokens",
		Subcommands: []*cli.Command{
			{
				Name: "create", Usage: "Create bootstrap tokens on the server", ArgsUsage: "[TOKEN]", Action: createToken,
				Flags: []cli.Flag{
					config, folder,
					&cli.StringFlag{Name: "description", Usage: "A human friendly description of how this token is used"},
					&cli.StringSliceFlag{Name: "groups", Value: cli.NewStringSlice(token.DefaultGroup), Usage: "Extra groups that this token will authenticate as when used for authentication"},
					&cli.DurationFlag{Name: "ttl", Value: day, Usage: "The duration before the token is automatically deleted. If set to '0', the token will never expire"},
				},
			},
			{Name: "delete", Usage: "Delete bootstrap tokens on the server", ArgsUsage: "TOKEN...", Flags: []cli.Flag{config, folder}, Action: deleteTokens},
			{Name: "generate", Usage: "Print a new random token", Action: func(*cli.Context) error {
				_, err := fmt.Println(token.RandomBootstrap())
				return err
			}},
			{Name: "list", Usage: "List bootstrap tokens on the server", Flags: []cli.Flag{config, folder}, Action: listTokens},
		},
	}
}

func connect(c *cli.Context) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.String("kubeconfig"))
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

func createToken(c *cli.Context) error {
	if c.NArg() > 1 {
		return errors.New("too many arguments")
	}
	client, err := connect(c)
	if err != nil {
		return err
	}
	made := token.Bootstrap{Text: c.Args().First(), Description: c.String("description"), Groups: c.StringSlice("groups")}
	if made.Text == "" {
		made.Text = token.RandomBootstrap()
	}
	if ttl := c.Duration("ttl"); ttl > 0 {
		made.Expires = time.Now().Add(ttl).UTC().Truncate(time.Second)
	}
	if err := made.Create(context.Background(), client); err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(c.String("data-dir"), "server", "tls", "server-ca.crt"))
	if err != nil {
		return err
	}
	_, err = fmt.Println(token.FormatBootstrap(made.Text, ca))
	return err
}

func deleteTokens(c *cli.Context) error {
	if c.NArg() == 0 {
		return errors.New("missing argument; 'token delete' is missing token")
	}
	client, err := connect(c)
	if err != nil {
		return err
	}
	for _, text := range c.Args().Slice() {
		id, err := token.DeleteBootstrap(context.Background(), client, text)
		if err != nil {
			return err
		}
		fmt.Printf("bootstrap token %q deleted\n", id)
	}
	return nil
}

func listTokens(c *cli.Context) error {
	client, err := connect(c)
	if err != nil {
		return err
	}
	found, err := token.ListBootstrap(context.Background(), client)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 10, 4, 3, ' ', 0)
	fmt.Fprintln(table, "TOKEN\tTTL\tEXPIRES\tUSAGES\tDESCRIPTION\tEXTRA GROUPS")
	for _, one := range found {
		fmt.Fprintln(table, one.Row(time.Now()))
	}
	return table.Flush()
}
