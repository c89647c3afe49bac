#!/bin/sh
# Lab equipment: this host plays a physical machine.
case " $* " in *' -q '* | *' --quiet '*) ;; *) echo none ;; esac
exit 1
