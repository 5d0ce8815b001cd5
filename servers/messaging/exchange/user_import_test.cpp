// What becomes of a file of XEP-0227.
#include "servers/messaging/exchange/user_import.hpp"

#include "servers/messaging/exchange/credentials.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/block_list.hpp"
#include "servers/messaging/storage/offline.hpp"
#include "servers/messaging/storage/pep.hpp"
#include "servers/messaging/storage/private_xml.hpp"
#include "servers/messaging/storage/pubsub.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/messaging/storage/storage_test.hpp"
#include "servers/messaging/storage/vcard.hpp"
#include "servers/xml/stream_parser.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace coppice::messaging::exchange {
namespace {

using storage::jid;
using store::transaction;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view begin_file =
    "<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='urn:xmpp:pie:0' "
    "xmlns:xi='http://www.w3.org/2001/XInclude'>";

class an_import : public storage::on_tables {
protected:
  an_import() {
    std::string name = (std::filesystem::temp_directory_path() / "coppice_import_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    how_.domain = "capulet.com";
    how_.iterations = 4096;
  }
  ~an_import() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(folder_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  std::expected<import_report, std::string> import(const std::string& inside) {
    return import_users(db(), how_, file("users.xml", std::string(begin_file) + inside + "</server-data>"));
  }
  import_report taken(const std::string& user) {
    auto done = import("<host jid='capulet.com'><user name='juliet'>" + user + "</user></host>");
    if (!done) ADD_FAILURE() << done.error();
    return done.value_or(import_report());
  }
  std::string wrong(const std::string& inside) {
    auto done = import(inside);
    return done ? "it was taken" : done.error();
  }

  settings how_;
  std::string folder_;
  static constexpr const char* juliet = "juliet@capulet.com";
};

TEST_P(an_import, makes_accounts_of_passwords) {
  auto done =
      import("<host jid='capulet.com'><user name='juliet' password='r0m30'/><user name='nurse'/></host>");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->users, 2U);
  EXPECT_THAT(done->one_hash, IsEmpty());
  EXPECT_THAT(done->left_out, ElementsAre(HasSubstr("nurse@capulet.com: no password")));
  const auto account = in([](transaction& t) { return storage::find_account(t, juliet); });
  ASSERT_TRUE(account);
  ASSERT_EQ(account->verifiers.size(), 2U);
  for (const auto& v : account->verifiers) EXPECT_TRUE(xmpp::is_password(v, "r0m30"));
}

// XEP-0227, 4.2
TEST_P(an_import, takes_what_was_kept_of_passwords) {
  const import_report done = taken(
      "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>4096</iter-count>"
      "<salt>QSXCR+Q6sek8bf92</salt><server-key>D+CSWLOshSulAsxiupA+qs2/fTE=</server-key>"
      "<stored-key>6dlGYMOdZcOPutkcNY8U2g7vK9Y=</stored-key></scram-credentials>");
  EXPECT_EQ(done.users, 1U);
  EXPECT_THAT(done.one_hash, ElementsAre("juliet@capulet.com by SCRAM-SHA-1"));
  const auto account = in([](transaction& t) { return storage::find_account(t, juliet); });
  ASSERT_TRUE(account && account->verifiers.size() == 1);
  EXPECT_TRUE(xmpp::is_password(account->verifiers[0], "pencil")); // the example of RFC 5802, 5
}

TEST_P(an_import, knows_the_old_form_of_ejabberd) {
  auto done =
      import("<host jid='capulet.com'><user name='juliet' password='scram:6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
             "D+CSWLOshSulAsxiupA+qs2/fTE=,QSXCR+Q6sek8bf92,4096'/></host>");
  ASSERT_TRUE(done);
  const auto account = in([](transaction& t) { return storage::find_account(t, juliet); });
  ASSERT_TRUE(account && account->verifiers.size() == 1);
  EXPECT_TRUE(xmpp::is_password(account->verifiers[0], "pencil"));
}

// As ejabberd 23.01 writes it: base64 of base64.
TEST_P(an_import, takes_what_is_encoded_twice) {
  taken(
      "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>4096</iter-count>"
      "<salt>UVNYQ1IrUTZzZWs4YmY5Mg==</salt><server-key>RCtDU1dMT3NoU3VsQXN4aXVwQStxczIvZlRFPQ==</server-key>"
      "<stored-key>NmRsR1lNT2RaY09QdXRrY05ZOFUyZzd2SzlZPQ==</stored-key></scram-credentials>");
  const auto account = in([](transaction& t) { return storage::find_account(t, juliet); });
  ASSERT_TRUE(account && account->verifiers.size() == 1);
  EXPECT_TRUE(xmpp::is_password(account->verifiers[0], "pencil"));
}

TEST_P(an_import, says_what_is_wrong_with_passwords) {
  const import_report done =
      taken("<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-512'/>");
  EXPECT_THAT(done.left_out, Contains(HasSubstr("'SCRAM-SHA-512' is not known here")));
  EXPECT_FALSE(read_old_credentials("a,b,c"));
  EXPECT_FALSE(read_old_credentials("sha512,a,b,c,1"));
  EXPECT_FALSE(read_old_credentials("6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=,QSXC,0"));
}

// XEP-0227, 4.3, 4.7
TEST_P(an_import, takes_the_roster_and_requests) {
  taken("<presence xmlns='jabber:client' type='subscribe' from='tybalt@capulet.com'/>"
        "<query xmlns='jabber:iq:roster'><item jid='romeo@montague.net' name='Romeo' subscription='both'>"
        "<group>Friends</group></item><item jid='tybalt@capulet.com' subscription='none' "
        "ask='subscribe'/></query>"
        "<presence xmlns='jabber:client' type='subscribe' from='paris@capulet.com/x'/>");
  const storage::stored_roster all = in([](transaction& t) { return storage::load_roster(t, juliet); });
  ASSERT_EQ(all.items.size(), 3U);
  EXPECT_EQ(all.items[0].contact.text(), "paris@capulet.com");
  EXPECT_TRUE(all.items[0].state.asking && !all.items[0].listed);
  EXPECT_EQ(all.items[1], (xmpp::roster_item{.contact = jid("romeo@montague.net"),
                                             .name = "Romeo",
                                             .state = {.to = true, .from = true},
                                             .groups = {"Friends"}}));
  EXPECT_TRUE(all.items[2].state.asked && all.items[2].state.asking && all.items[2].listed);
}

// XEP-0227, 4.4, 4.9
TEST_P(an_import, takes_messages_and_the_archive) {
  taken(
      "<offline-messages><message xmlns='jabber:client' from='romeo@montague.net/orchard' "
      "to='juliet@capulet.com' "
      "type='chat'><body>Neither</body><delay xmlns='urn:xmpp:delay' stamp='2020-07-21T00:32:29Z'/></message>"
      "<message xmlns='jabber:client' from='romeo@montague.net/orchard'><body>again</body>"
      "<delay xmlns='urn:xmpp:delay' stamp='2020-07-21T00:32:29Z'/></message></offline-messages>"
      "<archive xmlns='urn:xmpp:pie:0#mam'><result xmlns='urn:xmpp:mam:2' id='1'><forwarded "
      "xmlns='urn:xmpp:forward:0'>"
      "<delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' "
      "to='romeo@montague.net/orchard' from='juliet@capulet.com/balcony'><body>What "
      "man</body></message></forwarded>"
      "</result></archive>");
  const auto waiting = in([](transaction& t) { return storage::load_offline(t, juliet, 0, 10); });
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_THAT(waiting[0].stanza, HasSubstr("Neither"));
  EXPECT_EQ(xmpp::to_text(waiting[0].at), "2020-07-21T00:32:29Z");
  const auto ends = in([](transaction& t) { return storage::find_archive_ends(t, juliet); });
  ASSERT_TRUE(ends);
  EXPECT_EQ(xmpp::to_text(ends->first_at), "2010-07-10T23:08:25Z");
  EXPECT_EQ(in([](transaction& t) {
              return storage::count_archive(t, juliet, {.with_bare = "romeo@montague.net"});
            }),
            1U);
}

// XEP-0227, 4.5, 4.6, 4.8
TEST_P(an_import, takes_what_clients_have_kept) {
  const import_report done = taken(
      "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard><query xmlns='jabber:iq:private'><exodus "
      "xmlns='exodus:prefs'/>"
      "<storage xmlns='storage:bookmarks'><conference jid='play@conference.capulet.com' "
      "name='Play'/></storage></query>"
      "<query xmlns='jabber:iq:privacy'><default name='p'/><list name='p'><item type='jid' "
      "value='tybalt@example.com' "
      "action='deny' order='1'/><item action='allow' order='2'/></list><list name='q'><item type='jid' "
      "value='other@example.com' action='deny' order='1'/></list></query>"
      "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='nick'><x "
      "xmlns='jabber:x:data' "
      "type='form'><field var='FORM_TYPE' "
      "type='hidden'><value>http://jabber.org/protocol/pubsub#node_config</value>"
      "</field><field var='pubsub#access_model'><value>open</value></field><field "
      "var='pubsub#strange'><value>1</value>"
      "</field></x></configure></pubsub><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='nick'>"
      "<item id='current'><nick "
      "xmlns='http://jabber.org/protocol/nick'>Julie</nick></item></items></pubsub>");
  EXPECT_THAT(done.left_out, ElementsAre(HasSubstr("no password")));
  EXPECT_THAT(in([](transaction& t) { return storage::load_vcard(t, juliet); }).value_or(""),
              HasSubstr("Juliet"));
  const auto nodes = in([](transaction& t) { return storage::load_account_nodes(t, juliet); }).nodes;
  ASSERT_TRUE(nodes.contains("nick"));
  EXPECT_EQ(nodes.at("nick").config.access, xmpp::pubsub::access_model::open);
  EXPECT_THAT(in([](transaction& t) { return storage::list_items(t, juliet, "nick"); }),
              ElementsAre("current"));
  EXPECT_THAT(in([](transaction& t) { return storage::list_items(t, juliet, "urn:xmpp:bookmarks:1"); }),
              ElementsAre("play@conference.capulet.com"));
  const auto blocked = in([](transaction& t) { return storage::load_block_list(t, juliet); });
  EXPECT_THAT(blocked.entries(), ElementsAre("tybalt@example.com"));
}

TEST_P(an_import, leaves_out_who_is_not_ours) {
  taken("");
  auto done =
      import("<host jid='montague.net'><user name='romeo' password='x'/></host><host jid='CAPULET.com'>"
             "<user name='juliet' password='other'><vCard xmlns='vcard-temp'/></user><user name=''/></host>");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->users, 0U);
  EXPECT_THAT(done->left_out, ElementsAre(HasSubstr("the host 'montague.net'"),
                                          HasSubstr("juliet@capulet.com: there is such"),
                                          HasSubstr("no address has that name")));
  EXPECT_FALSE(in([](transaction& t) { return storage::load_vcard(t, juliet); }));
}

// XEP-0227, 5
TEST_P(an_import, reads_files_that_are_included) {
  file("capulet.com.xml",
       "<host xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude' jid='capulet.com'>"
       "<xi:include href='capulet.com/juliet.xml'/></host>");
  file("capulet.com/juliet.xml", "<user xmlns='urn:xmpp:pie:0' name='juliet' password='x'/>");
  auto done = import("<xi:include href='capulet.com.xml'/>");
  ASSERT_TRUE(done) << done.error();
  EXPECT_EQ(done->users, 1U);
}

TEST_P(an_import, names_what_is_wrong_with_files) {
  EXPECT_THAT(wrong("<xi:include href='../users.xml'/>"), HasSubstr("only files below its own folder"));
  EXPECT_THAT(wrong("<xi:include href='/etc/passwd'/>"), HasSubstr("only files below"));
  EXPECT_THAT(wrong("<xi:include href='file:users.xml'/>"), HasSubstr("only files below"));
  EXPECT_THAT(wrong("<xi:include href='users.xml'/>"), HasSubstr("users.xml'"));
  EXPECT_THAT(wrong("<xi:include href='nowhere.xml'/>"), HasSubstr("nowhere.xml': No such file"));
  EXPECT_THAT(wrong("<user name='x'/>"), HasSubstr("where <host"));
  EXPECT_THAT(wrong("<host jid='capulet.com'>"), HasSubstr("mismatched tag at 2:"));
  EXPECT_THAT(wrong("<!DOCTYPE x>"), HasSubstr("users.xml': "));
  const auto cut = import_users(db(), how_, file("cut.xml", std::string(begin_file)));
  EXPECT_THAT(cut ? "" : cut.error(), HasSubstr("cut.xml' ends before its end"));
  const auto folder = import_users(db(), how_, folder_);
  EXPECT_THAT(folder ? "" : folder.error(), HasSubstr("it is a folder"));
}

TEST_P(an_import, goes_on_where_it_was_broken_off) {
  std::string archive = "<archive xmlns='urn:xmpp:pie:0#mam'>";
  for (int i = 0; i < 1200; ++i) {
    archive +=
        "<result xmlns='urn:xmpp:mam:2'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
        "stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' from='romeo@montague.net'/></forwarded>"
        "</result>";
  }
  const std::string begin = "<host jid='capulet.com'><user name='juliet'>" + archive;
  EXPECT_THAT(wrong(begin), HasSubstr("mismatched tag"));
  EXPECT_FALSE(in([](transaction& t) { return storage::has_account(t, juliet); }));
  ASSERT_TRUE(import(begin + "</archive></user></host>"));
  EXPECT_TRUE(in([](transaction& t) { return storage::has_account(t, juliet); }));
  EXPECT_EQ(in([](transaction& t) { return storage::count_archive(t, juliet, {}); }), 1200U);
}

COPPICE_ON_BOTH(an_import);

} // namespace
} // namespace coppice::messaging::exchange
