// Traces of RFC 9529, as hex.

/** RFC 9529 section 2: method 0, cipher suite 0, X.509 certificates named by x5t. */
export const TRACE_2 = {
  x: "892ec28e5cb6669108470539500b705e60d008d347c5817ee9f3327c8a87bb03",
  publicKeyX: "31f82c7b5b9cbbf0f194d913cc12ef1532d328ef32632a4881a1c0701e237f04",
  message1: "0000582031f82c7b5b9cbbf0f194d913cc12ef1532d328ef32632a4881a1c0701e237f042d",
  y: "e69c23fbf81bc435942446837fe827bf206c8fa10a39db47449e5a813421e1e8",
  publicKeyY: "dc88d2d51da5ed67fc4616356bc8ca74ef9ebe8b387e623a360ba480b9b29d1c",
  message1Hash: "c165d6a99d1bcafaac8dbf2b352a6f7d71a30b439c9d64d349a23848038ed16b",
  th2: "c6405c154c567466ab1df20369500e540e9f14bd3a796a0652cae66c9061688d",
  sharedXY: "e5cdf3a986cdac5b7bf04691e2b07c08e71f53998d8f842b7c3fb4d839cf7b28",
  prk2e: "d584ac2e5dad5a77d14b53ebe72ef1d5daa8860d399373bf2c240afa7ba804da",
  secretKeyR: "ef140ff900b0ab03f0c08d879cbbd4b31ea71e6e7ee7ffcb7e7955777a332799",
  publicKeyR: "a1db47b95184854ad12a0c1a354e418aace33aa0f2c662c00b3ac55de92f9359",
  prk3e2m: "d584ac2e5dad5a77d14b53ebe72ef1d5daa8860d399373bf2c240afa7ba804da",
  idCredR: "a11822822e4879f2a41b510c1f9b",
  credR:
    "58f13081ee3081a1a003020102020462319ec4300506032b6570301d311b301906035504030c124544484f43" +
    "20526f6f742045643235353139301e170d3232303331363038323433365a170d323931323331323330303030" +
    "5a30223120301e06035504030c174544484f4320526573706f6e6465722045643235353139302a300506032b" +
    "6570032100a1db47b95184854ad12a0c1a354e418aace33aa0f2c662c00b3ac55de92f9359300506032b6570" +
    "034100b723bc01eab0928e8b2b6c98de19cc3823d46e7d6987b032478fecfaf14537a1af14cc8be829c6b730" +
    "44101837eb4abc949565d86dce51cfae52ab82c152cb02",
  mac2: "862a7e5ef147f9a5f4c512e1b6623cd66cd17a7272072bfe5b602ffe307ee0e9",
  proof2:
    "c3b5bd44d1e44a085c03d3aede4e1e6c11c572a1968cc3629b505f98c681608d3d1de793d1c40eb5dd5d89ac" +
    "f1966aea07022b48cdc99870ebc40374e8fa6e09",
  plaintext2:
    "4118a11822822e4879f2a41b510c1f9b5840c3b5bd44d1e44a085c03d3aede4e1e6c11c572a1968cc3629b50" +
    "5f98c681608d3d1de793d1c40eb5dd5d89acf1966aea07022b48cdc99870ebc40374e8fa6e09",
  keystream2:
    "fd3e7c3f2d6bee643d3c9d2f2847035d73e2ecb0f8db5cd1c6854e24896af21188b2c4344e689ec2984283d9" +
    "fbc69ce1c5db10dcfff24df9a49a04a94058277bc7fa9ad6c6b194ab328b445eb080490cd786",
  message2:
    "5872dc88d2d51da5ed67fc4616356bc8ca74ef9ebe8b387e623a360ba480b9b29d1cbc26dd270fe9c02c44ce" +
    "3934794b1cc62ba22f05459f8d358c8d12275ac42c5f96ded5f13cc9084e5b201889a45e5a60a5562dc11861" +
    "9c3daa2fd9f4c9f4d6edad109dd4edf95962aafbaf9ab3f4a1f6b98f",
  secretKeyI: "4c5b25878f507c6b9dae68fbd4fd3ff997533db0af00b25d324ea28e6c213bc8",
  publicKeyI: "ed06a8ae61a829ba5fa54525c9d07f48dd44a302f43e0f23d8cc20b73085141e",
  th3: "5b7df9b4f58f240ce0418e48191b5fff3a22b5ca57f669b16777996592e928bc",
  prk4e3m: "d584ac2e5dad5a77d14b53ebe72ef1d5daa8860d399373bf2c240afa7ba804da",
  idCredI: "a11822822e48c24ab2fd7643c79f",
  credI:
    "58f13081ee3081a1a003020102020462319ea0300506032b6570301d311b301906035504030c124544484f43" +
    "20526f6f742045643235353139301e170d3232303331363038323430305a170d323931323331323330303030" +
    "5a30223120301e06035504030c174544484f4320496e69746961746f722045643235353139302a300506032b" +
    "6570032100ed06a8ae61a829ba5fa54525c9d07f48dd44a302f43e0f23d8cc20b73085141e300506032b6570" +
    "034100521241d8b3a770996bcfc9b9ead4e7e0a1c0db353a3bdf2910b39275ae48b756015981850d27db6734" +
    "e37f67212267dd05eeff27b9e7a813fa574b72a00b430b",
  mac3: "39b127c130129afa30618c751329e637cc3734270d4b01258445a8ee02daa3bd",
  proof3:
    "96e1cd5fceadfac1b5af819443f70924f5719955957fd02655beb4775e1a73186a0d1d3ea683f08f8d03dcec" +
    "b9cf154e1c6f555a1e12ca118ce42bdba6878907",
  plaintext3:
    "a11822822e48c24ab2fd7643c79f584096e1cd5fceadfac1b5af819443f70924f5719955957fd02655beb477" +
    "5e1a73186a0d1d3ea683f08f8d03dcecb9cf154e1c6f555a1e12ca118ce42bdba6878907",
  key3: "da195e5f648ac63b0e8fb0c455205139",
  iv3: "38d8c64c56255affa449f4bed7",
  message3:
    "585825c345884aaaeb22c527f9b1d2b6787207e0163c69b62a0d43928150427203c31674e4514ea6e383b566" +
    "eb29763efeb0afa518776ae1c65f856d84bf32af3a7836970466dcb71f76745d39d3025e7703e0c032ebad51" +
    "947c",
  th4: "0eb868f263cf3555dccd396dd8dec29d3750d599be42d5a41a5a37c896f294ac",
  key4: "df8cb5861e1fdfedd3b23015a39d1e2e",
  iv4: "128ec658d970d7380f74fc6c27",
  message4: "484f0edee366e5c883",
  prkOut: "b744cb7d8a87cc0447c3350e165b250dab12ec453325abb922b30307e5c368f0",
  prkExporter: "2aaec8fc4ab3bc3295def6b551051a2fa561424db301fa84f642f5578a6df51a",
  masterSecret: "1e1c6beac3a8a1cac435de7e2f9ae7ff",
  masterSalt: "ce7ab844c0106d73",
  connectionIdI: "2d",
  connectionIdR: "18",
  updateContext: "d6be169602b8bceaa01158fdb820890c",
  updatedPrkOut: "da6eacd9a985f4fba9aec2a9299022976b25b14e89fa159794f28d82faf2daad",
  updatedPrkExporter: "0014d2525ee0d8e213ea5908028e9a1ce9a01c30546f0930c044d38db5362c05",
  updatedMasterSecret: "ee0ff542c47eb0e09c69307649bdbbe5",
  updatedMasterSalt: "80cede2a1e5aab48",
} as const;

/** RFC 9529 section 3: method 3, cipher suite 2 of SUITES_I [6, 2], CCS named by kid. */
export const TRACE_3 = {
  x: "368ec1f69aeb659ba37d5a8d45b21bdc0299dceaa8ef235f3ca42ce3530f9525",
  publicKeyX: "8af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7c8dbca2fc3b6",
  message1: "0382060258208af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7c8dbca2fc3b637",
  y: "e2f4126777205e853b437d6eaca1e1f753cdcc3e2c69fa884b0a1a640977e418",
  publicKeyY: "419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d5",
  message1Hash: "ca02cabda5a8902749b42f711050bb4dbd52153e87527594b39f50cdf019888c",
  th2: "356efd53771425e008f3fe3a86c83ff4c6b16e57028ff39d5236c182b202084b",
  sharedXY: "2f0cb7e860ba538fbf5c8bded009f6259b4b628fe1eb7dbe9378e5ecf7a824ba",
  prk2e: "5aa0d69f3e3d1e0c479f0b8a486690c9802630c3466b1dc92371c982563170b5",
  secretKeyR: "72cc4761dbd4c78f758931aa589d348d1ef874a7e303ede2f140dcf3e6aa4aac",
  publicKeyR: "bbc34960526ea4d32e940cad2a234148ddc21791a12afbcbac93622046dd44f0",
  prk3e2m: "0ca3d3398296b3c03900987620c11f6fce70781c1d1219720f9ec08c122d8434",
  idCredR: "a1044132",
  credR:
    "a2026b6578616d706c652e65647508a101a501020241322001215820bbc34960526ea4d32e940cad2a234148" +
    "ddc21791a12afbcbac93622046dd44f02258204519e257236b2a0ce2023f0931f1f386ca7afda64fcde0108c" +
    "224c51eabf6072",
  mac2: "0943305c899f5c54",
  proof2: "0943305c899f5c54",
  plaintext2: "2732480943305c899f5c54",
  keystream2: "bf50e9e7bad0bb68173399",
  message2: "582b419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d59862a1eef9e0e7e1886f" + "cd",
  secretKeyI: "fb13adeb6518cee5f88417660841142e830a81fe334380a953406a1305e8706b",
  publicKeyI: "ac75e9ece3e50bfc8ed60399889522405c47bf16df96660a41298cb4307f7eb6",
  th3: "adaf67a78a4bcc91e018f8882762a722000b2507039df0bc1bbf0c161bb3155c",
  prk4e3m: "81cc8a298e357044e3c466bb5c0a1e507e01d49238aeba138df94635407c0ff7",
  idCredI: "a104412b",
  credI:
    "a2027734322d35302d33312d46462d45462d33372d33322d333908a101a5010202412b2001215820ac75e9ec" +
    "e3e50bfc8ed60399889522405c47bf16df96660a41298cb4307f7eb62258206e5de611388a4b8a8211334ac7" +
    "d37ecb52a387d257e6db3c2a93df21ff3affc8",
  mac3: "623c91df41e34c2f",
  proof3: "623c91df41e34c2f",
  plaintext3: "2b48623c91df41e34c2f",
  key3: "8e7a30042000f7900e8174131f75f3ed",
  iv3: "6d8300c1e23b56153ae70ee457",
  message3: "52e562097bc417dd5919485ac7891ffd90a9fc",
  th4: "c902b1e3a4326c93c5551f5f3aa6c5ecc0246806765612e52b5d99e6059d6b6e",
  key4: "d3c77872b6eeb508911bdbd308b2e6a0",
  iv4: "04ff0f44456e96e217853c3601",
  message4: "4828c966b7ca304f83",
  prkOut: "2c71afc1a9338a940bb3529ca734b886f30d1aba0b4dc51beeaeabdfea9ecbf8",
  prkExporter: "e14d06699cee248c5a04bf9227bbcd4ce394de7dcb56db43555474171e6446db",
  masterSecret: "f9868f6a3aca78a05d1485b35030b162",
  masterSalt: "ada24c7dbfc85eeb",
  connectionIdI: "37",
  connectionIdR: "27",
  updateContext: "a01158fdb820890cd6be169602b8bcea",
  updatedPrkOut: "f979537743fe0bd6b9b141ddbd79656c52e6dc7c50ad807754d74d07e87d0d16",
  updatedPrkExporter: "00fcf7db9b2ead73824e7e830363c805c296f902830fac23d86c359c752f0f17",
  updatedMasterSecret: "49f72fac02b4658bda21e2dac66fc374",
  updatedMasterSalt: "dd8b24f2aa9b011a",
  salt3e2m: "af4e103a47cb3cf32570d5c25ad27732bd8d8178e9a69d061c31a27f8e3ca926",
  sharedRX: "f2b6eea02220b95eee5a0bc701f074e00a843ea02422f60825fb269b3e161423",
  salt4e3m: "cfddf9515a7e46e7b4dbff31cbd56cd04ba332250de9ea5de1caf9f6d13914a7",
  sharedIY: "080f425085bc6249089eac8f108ea62326857e12ab07d72028ca1b5f36e004b3",
} as const;

/** RFC 9529 section 3: the attempt before, with cipher suite 6 (but a key of P-256), and the responder's error. */
export const TRACE_3_FIRST_ATTEMPT = {
  connectionIdI: "0e",
  message1: "03065820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
  error: "0202",
} as const;

/** RFC 9529 section 4: messages and plaintexts that are no such thing. */
export const INVALID: readonly { readonly what: string; readonly kind: string; readonly hex: string }[] = [
  {
    what: "surplus array encoding of message",
    kind: "message_1",
    hex: "8403025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
  },
  {
    what: "surplus bstr encoding of connection identifier",
    kind: "message_1",
    hex: "03025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa9410e",
  },
  {
    what: "surplus array encoding of ciphersuite",
    kind: "message_1",
    hex: "0381025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
  },
  {
    what: "text string encoding of ephemeral key",
    kind: "message_1",
    hex: "0302782020616972207370656564206f66206120756e6c6164656e207377616c6c6f77200e",
  },
  {
    what: "wrong number of cbor sequence elements",
    kind: "message_2",
    hex: "5820419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d54b9862a11de42a95d785386a",
  },
  {
    what: "surplus map encoding of id_cred field",
    kind: "PLAINTEXT_2",
    hex: "27a10442321048fa5efa2ebf920bf3",
  },
  { what: "surplus bstr encoding of id_cred field", kind: "PLAINTEXT_2", hex: "27413248fa5efa2ebf920bf3" },
  {
    what: "error in length of ephemeral key",
    kind: "message_1",
    hex: "03820218185820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
  },
  {
    what: "error in elliptic curve representation",
    kind: "message_1",
    hex: "03025820ffffffff00000001000000000000000000000000ffffffffffffffffffffffff0e",
  },
  {
    what: "error in elliptic curve point",
    kind: "message_1",
    hex: "03025820a04e73601df544a70ba7ea1e57030f7d4b4eb7f673924e58d54ca77a5e7d4d4a0e",
  },
  {
    what: "curve point of low order",
    kind: "message_1",
    hex: "03005820edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0e",
  },
  { what: "error in length of mac", kind: "PLAINTEXT_2", hex: "273244fa5efa2e" },
  {
    what: "error in elliptic curve encoding",
    kind: "message_1",
    hex: "0302581fd9697725d23a688b12d1c7e0108a08c9f71a85a09c20814976ab21122248fc0e",
  },
  {
    what: "unnecessary long encoding",
    kind: "message_1",
    hex: "190003025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
  },
  {
    what: "indefinite-length array encoding",
    kind: "message_1",
    hex: "039f0602ff5820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
  },
];
