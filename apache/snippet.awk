# The configuration of a whole site as a snippet for a server that has other sites too: without what
# belongs to the site, and with "/" for the page alone. What stands before the first Define is the
# reader's help for the site.
BEGIN {
        print "# SimpleTuner Cloud in every site of this server: a2enconf simpletuner-cloud. For one site alone,"
        print "# leave it disabled and put into that site's <VirtualHost>:"
        print "#   Include conf-available/simpletuner-cloud.conf"
        print "# It takes \"/\", /static, /api and /health, and needs:"
        print "#   a2enmod alias dir env headers mime proxy proxy_fcgi reqtimeout setenvif xsendfile"
        print "# TLS is the site's business: passwords and keys must not go over plain HTTP."
        print ""
}
/^ *# --- begin production/ { skipping = 1 }
!started && !/^Define/ { next }
/^Define SIMPLETUNER_ADDRESS/ { started = 1; next }
skipping { if (/^ *# --- end production/) skipping = 0; next }
/^<\/?VirtualHost/ { next }
/^    DocumentRoot/ {
        print "AliasMatch \"^/$\" \"${SIMPLETUNER_STATIC}/index.html\""
        next
}
!/^$/ || !was_empty { sub(/^    /, ""); print }
{ was_empty = /^$/ }
